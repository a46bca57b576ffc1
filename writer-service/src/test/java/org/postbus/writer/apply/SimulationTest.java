package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.observation.UidRange;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

/**
 * A server in memory that changes at random, and a fetcher that reports it in batches of random size. Some batches are sent twice, and sometimes
 * a pass starts again under a new claim. After each pass the database equals the server and no email has changed its id. After two passes
 * without changes, nothing unlinked is left, and the change log folds to the database.
 */
class SimulationTest {
    private static final int PASSES = 25;
    private static final String[] KEYWORDS = {"$seen", "$flagged", "$answered", "work"};

    /** A message has a fingerprint. Only a server with identities keeps the same message in several mailboxes. */
    private static final class Server {
        final boolean hasIdentities;
        final Map<MailboxKey, Long> uidValidity = new TreeMap<>();
        final Map<MailboxKey, TreeMap<Long, String>> messages = new TreeMap<>();
        final Map<MailboxKey, Map<Long, Set<String>>> flags = new HashMap<>();
        long lastUid;
        int lastMessage;
        int lastMailbox;

        Server(boolean hasIdentities) {
            this.hasIdentities = hasIdentities;
        }

        void change(Random random) {
            List<MailboxKey> keys = List.copyOf(messages.keySet());
            if (keys.isEmpty() || random.nextInt(12) == 0 && keys.size() < 5) {
                create(MailboxKey.ofRawName("Box" + lastMailbox++));
                return;
            }
            MailboxKey mailbox = keys.get(random.nextInt(keys.size()));
            MailboxKey other = keys.get(random.nextInt(keys.size()));
            List<Long> uids = List.copyOf(messages.get(mailbox).keySet());
            if (uids.isEmpty() || random.nextInt(3) == 0) {
                put(mailbox, "m" + lastMessage++ + "@x", randomFlags(random));
                return;
            }
            long uid = uids.get(random.nextInt(uids.size()));
            String message = messages.get(mailbox).get(uid);
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> flags.get(mailbox).put(uid, randomFlags(random));
                case 3, 4 -> {
                    Set<String> kept = flags.get(mailbox).get(uid);
                    remove(mailbox, uid);
                    put(other, message, kept);
                }
                case 5 -> remove(mailbox, uid);
                case 6 -> {
                    if (hasIdentities) {
                        put(other, message, randomFlags(random));
                    }
                }
                case 7 -> {
                    if (random.nextInt(4) == 0) {
                        changeUidValidity(mailbox);
                    } else if (random.nextInt(6) == 0) {
                        messages.remove(mailbox);
                        flags.remove(mailbox);
                        uidValidity.remove(mailbox);
                    }
                }
                default -> throw new AssertionError();
            }
        }

        private void create(MailboxKey key) {
            messages.put(key, new TreeMap<>());
            flags.put(key, new HashMap<>());
            uidValidity.put(key, 1L);
        }

        private void put(MailboxKey mailbox, String message, Set<String> keywords) {
            lastUid++;
            messages.get(mailbox).put(lastUid, message);
            flags.get(mailbox).put(lastUid, keywords);
        }

        private void remove(MailboxKey mailbox, long uid) {
            messages.get(mailbox).remove(uid);
            flags.get(mailbox).remove(uid);
        }

        private void changeUidValidity(MailboxKey mailbox) {
            uidValidity.merge(mailbox, 1L, Long::sum);
            TreeMap<Long, String> before = new TreeMap<>(messages.get(mailbox));
            Map<Long, Set<String>> kept = new HashMap<>(flags.get(mailbox));
            messages.get(mailbox).clear();
            flags.get(mailbox).clear();
            before.forEach((uid, message) -> put(mailbox, message, kept.get(uid)));
        }

        private static Set<String> randomFlags(Random random) {
            Set<String> chosen = new TreeSet<>();
            for (String keyword : KEYWORDS) {
                if (random.nextInt(3) == 0) {
                    chosen.add(keyword);
                }
            }
            return chosen;
        }

        /** As {@link TestAccount#contents()}: an email's keywords are seen if everywhere, the others if anywhere. */
        Map<String, List<String>> contents() {
            Map<String, List<Set<String>>> opinions = new HashMap<>();
            flags.forEach((mailbox, ofUid) -> ofUid.forEach((uid, keywords) -> opinions.computeIfAbsent(
                            messages.get(mailbox).get(uid), message -> new ArrayList<>())
                    .add(keywords)));
            Map<String, List<String>> contents = new TreeMap<>();
            messages.forEach((mailbox, ofUid) -> ofUid.values()
                    .forEach(
                            message -> contents.computeIfAbsent(mailbox.value().substring(5), path -> new ArrayList<>())
                                    .add(message + " " + merged(opinions.get(message)))));
            contents.values().forEach(Collections::shuffle);
            contents.values().forEach(list -> list.sort(null));
            return contents;
        }

        private static Set<String> merged(List<Set<String>> opinions) {
            Set<String> merged = new TreeSet<>();
            opinions.forEach(merged::addAll);
            if (!opinions.stream().allMatch(keywords -> keywords.contains("$seen"))) {
                merged.remove("$seen");
            }
            return merged;
        }
    }

    /** Knows what it has reported, which is what it would read from the database. */
    private static final class Fetcher {
        final Set<MailboxKey> mailboxes = new HashSet<>();
        final Map<MailboxKey, Long> uidValidity = new HashMap<>();
        final Map<MailboxKey, TreeMap<Long, Set<String>>> reported = new HashMap<>();

        /** Reports what is gone from all mailboxes before anything new in any of them. */
        List<Observation> pass(Server server, Random random) {
            List<Observation> seen = new ArrayList<>();
            server.messages
                    .keySet()
                    .forEach(key -> seen.add(Observations.mailbox(
                            key,
                            Optional.empty(),
                            Optional.empty(),
                            server.messages.get(key).size())));
            for (MailboxKey gone : List.copyOf(mailboxes)) {
                if (!server.messages.containsKey(gone)) {
                    seen.add(new MailboxVanished(gone));
                    mailboxes.remove(gone);
                    reported.remove(gone);
                    uidValidity.remove(gone);
                }
            }
            mailboxes.addAll(server.messages.keySet());
            for (MailboxKey key : server.messages.keySet()) {
                long current = server.uidValidity.get(key);
                TreeMap<Long, Set<String>> here = reported.computeIfAbsent(key, mailbox -> new TreeMap<>());
                Long before = uidValidity.put(key, current);
                if (before != null && before != current) {
                    seen.add(new MailboxReset(key, current));
                    here.clear();
                }
                List<UidRange> ranges = new ArrayList<>();
                for (long uid : List.copyOf(here.keySet())) {
                    if (!server.messages.get(key).containsKey(uid)) {
                        here.remove(uid);
                        ranges.add(new UidRange(uid, uid));
                    }
                }
                if (!ranges.isEmpty()) {
                    Collections.shuffle(ranges, random);
                    seen.add(new UidsVanished(key, current, ranges));
                }
            }
            for (MailboxKey key : server.messages.keySet()) {
                long current = server.uidValidity.get(key);
                TreeMap<Long, Set<String>> here = reported.get(key);
                server.messages.get(key).forEach((uid, message) -> {
                    Set<String> keywords = server.flags.get(key).get(uid);
                    Set<String> before = here.put(uid, keywords);
                    if (before == null || random.nextInt(10) == 0) {
                        seen.add(Observations.imap(
                                key,
                                current,
                                uid,
                                Observations.email(
                                        message,
                                        server.hasIdentities ? Optional.of("emailid:" + message) : Optional.empty(),
                                        List.of()),
                                keywords.toArray(String[]::new)));
                    } else if (!before.equals(keywords)) {
                        seen.add(new Observation.EmailStateObserved(
                                new EmailRef.ImapMessage(key, current, uid),
                                Set.of(key),
                                Observations.keywords(keywords.toArray(String[]::new)),
                                Optional.empty()));
                    }
                });
            }
            return seen;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void the_database_converges_to_the_server(long seed) {
        Random random = new Random(seed);
        Server server = new Server(seed % 2 == 0);
        Fetcher fetcher = new Fetcher();
        TestAccount account = TestAccount.create();
        Map<String, String> ids = new HashMap<>();
        for (int pass = 0; pass < PASSES + 2; pass++) {
            int changes = pass < PASSES ? random.nextInt(15) : 0;
            for (int i = 0; i < changes; i++) {
                server.change(random);
            }
            List<Observation> seen = fetcher.pass(server, random);
            apply(account, seen, random, "seed " + seed + ", pass " + pass);
            account.apply(Observations.pass());
            assertThat(account.contents()).as("seed %d, pass %d", seed, pass).isEqualTo(server.contents());
            idsNeverChange(account, server, ids, "seed " + seed + ", pass " + pass);
        }

        assertThat(account.countsThatDiffer()).as("seed %d: counts", seed).isZero();
        assertThat(account.folded()).as("seed %d", seed).isEqualTo(account.stored());
        assertThat(account.number("select count(*) from email where account_id = ? and unlinked_pass is not null"))
                .as("seed %d: emails without a mailbox", seed)
                .isZero();
        assertThat(account.types()).as("seed %d", seed).contains("email.updated", "email.destroyed", "mailbox.reset");
    }

    private static void apply(TestAccount account, List<Observation> seen, Random random, String where) {
        if (random.nextInt(5) == 0) {
            // The fetcher crashed during the pass: the next one has a new claim and reports everything again.
            account.apply(seen.subList(0, random.nextInt(seen.size() + 1)));
            account.claim();
        }
        int from = 0;
        while (from < seen.size()) {
            int to = Math.min(seen.size(), from + 1 + random.nextInt(12));
            List<Observation> batch = seen.subList(from, to);
            account.apply(batch);
            if (random.nextInt(4) == 0) {
                assertThat(account.apply(batch))
                        .as("%s: the same batch again", where)
                        .isZero();
            }
            from = to;
        }
    }

    /** A message that was on the server in the last pass and still is has the same id, in whatever mailbox. */
    private static void idsNeverChange(TestAccount account, Server server, Map<String, String> ids, String where) {
        Map<String, String> now = new HashMap<>();
        account.query(
                "select message_id, email_id from email where account_id = ? and unlinked_pass is null",
                row -> now.put(row.getString(1), row.getString(2)));
        Set<String> onServer = new HashSet<>();
        server.messages.values().forEach(messages -> onServer.addAll(messages.values()));
        assertThat(now.keySet()).as(where).isEqualTo(onServer);
        now.forEach((message, id) -> {
            if (ids.containsKey(message)) {
                assertThat(id).as("%s: %s", where, message).isEqualTo(ids.get(message));
            }
        });
        ids.keySet().retainAll(now.keySet());
        ids.putAll(now);
    }
}
