package org.postbus.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.system.RunningPostbus.Account;

/**
 * Random changes to one mailbox, reproducible from a seed: mail arrives, other clients flag, move, copy and delete, and users of Postbus
 * make mutations.
 */
final class RandomActivity {
    private static final List<String> FLAGS = List.of("\\Seen", "\\Flagged", "\\Answered", "$Forwarded", "project-x");

    private static final int BATCH = 20;

    private final RunningPostbus running;
    private final James.User user;
    private final Random random;
    private final MailCorpus corpus;

    RandomActivity(RunningPostbus running, James.User user, long seed) {
        this.running = running;
        this.user = user;
        this.random = new Random(seed);
        this.corpus = new MailCorpus(seed, user.address(), Instant.parse("2026-01-01T00:00:00Z"));
    }

    /** Changes by an IMAP client. */
    void overImap(int operations) {
        List<String> mailboxes = new ArrayList<>(List.of("INBOX", "INBOX", "Archive", "Sent"));
        try (RawImap imap = running.imap(user)) {
            for (int i = 0; i < operations; i++) {
                String mailbox = any(mailboxes);
                int dice = random.nextInt(100);
                if (dice < 30) {
                    MailCorpus.Mail mail = corpus.next();
                    imap.append(mailbox, mail.flags(), mail.date(), mail.raw());
                } else if (dice < 34) {
                    String name = "Project " + i;
                    imap.create(name);
                    mailboxes.add(name);
                } else if (dice < 37) {
                    anyProject(mailboxes).ifPresent(name -> {
                        imap.rename(name, name + " renamed");
                        mailboxes.set(mailboxes.indexOf(name), name + " renamed");
                    });
                } else if (dice < 39) {
                    anyProject(mailboxes).ifPresent(name -> {
                        imap.delete(name);
                        mailboxes.remove(name);
                    });
                } else {
                    imap.select(mailbox);
                    List<Long> uids = some(imap.uids());
                    if (!uids.isEmpty()) {
                        touch(imap, dice, mailbox, uids, mailboxes);
                    }
                }
            }
        }
    }

    private void touch(RawImap imap, int dice, String mailbox, List<Long> uids, List<String> mailboxes) {
        if (dice < 60) {
            imap.addFlags(uids, any(FLAGS));
        } else if (dice < 72) {
            imap.removeFlags(uids, any(FLAGS));
        } else if (dice < 82) {
            imap.expunge(uids);
        } else {
            String to = any(mailboxes);
            if (!to.equals(mailbox)) {
                unlessGone(() -> {
                    if (dice < 95) {
                        imap.move(uids, to);
                    } else {
                        imap.copy(uids, to);
                    }
                });
            }
        }
    }

    /** Mutations over REST: keywords, moves, deletions. An email that was listed may be gone by then. */
    void overRest(Account account, int mutations) {
        PostbusApi api = running.api;
        List<String> mailboxes = new ArrayList<>();
        for (JsonNode mailbox :
                api.get(account.path() + "/mailboxes").expect(200).get("list")) {
            if (Set.of("INBOX", "Archive", "Sent").contains(mailbox.get("path").asText())) {
                mailboxes.add(mailbox.get("id").asText());
            }
        }
        List<JsonNode> emails = List.of();
        int listedAt = 0;
        for (int i = 0; i < mutations; i++) {
            if (i == 0 || i - listedAt >= 40) {
                listedAt = i;
                emails = api.emails(account.id()).stream()
                        .filter(email -> email.get("mailboxIds").size() == 1)
                        .toList();
            }
            if (random.nextInt(4) == 0) {
                i += batch(account, emails, Math.min(BATCH, mutations - i), mailboxes) - 1;
                continue;
            }
            JsonNode email = any(emails);
            String path = account.path() + "/emails/" + email.get("id").asText();
            int dice = random.nextInt(100);
            PostbusApi.Answer answer;
            if (dice < 60) {
                answer = api.patch(path, Map.of("keywords", Map.of(any(List.of("$seen", "$flagged", "custom")), true)));
            } else if (dice < 85) {
                answer = api.patch(path, Map.of("mailboxIds", moved(email, any(mailboxes))));
            } else {
                answer = api.delete(path);
            }
            if (answer.status() != 202 && answer.status() != 404) {
                throw new IllegalStateException("a mutation got the response " + answer);
            }
        }
    }

    /** Returns the number of mutations. An email that was listed may be gone by then. */
    private int batch(Account account, List<JsonNode> emails, int size, List<String> mailboxes) {
        ObjectNode body = EventCodec.mapper().createObjectNode();
        ObjectNode update = body.putObject("update");
        for (int i = 0; i < size; i++) {
            JsonNode email = any(emails);
            ObjectNode patch = update.putObject(email.get("id").asText());
            if (random.nextInt(4) == 0) {
                ObjectNode mailboxIds = patch.putObject("mailboxIds");
                email.get("mailboxIds").fieldNames().forEachRemaining(mailboxIds::putNull);
                mailboxIds.put(any(mailboxes), true);
            } else {
                ObjectNode keywords = patch.putObject("keywords");
                String keyword = any(List.of("$seen", "$flagged", "custom"));
                if (random.nextBoolean()) {
                    keywords.put(keyword, true);
                } else {
                    keywords.putNull(keyword);
                }
            }
        }
        running.api.post(account.path() + "/emails/batch", body).expect(202);
        return size;
    }

    private static Map<String, Object> moved(JsonNode email, String to) {
        Map<String, Object> patch = new java.util.HashMap<>();
        email.get("mailboxIds").fieldNames().forEachRemaining(from -> patch.put(from, null));
        patch.put(to, true);
        return patch;
    }

    /** A server may refuse a command on messages that are gone (RFC 2180). */
    private static void unlessGone(Runnable command) {
        try {
            command.run();
        } catch (RawImap.RefusedException e) {
            if (!e.getMessage().contains("NO ")) {
                throw e;
            }
        }
    }

    private Optional<String> anyProject(List<String> mailboxes) {
        return mailboxes.stream().filter(name -> name.startsWith("Project")).findFirst();
    }

    private List<Long> some(List<Long> uids) {
        List<Long> chosen = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0 && !uids.isEmpty(); i--) {
            Long uid = any(uids);
            if (!chosen.contains(uid)) {
                chosen.add(uid);
            }
        }
        return chosen;
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
