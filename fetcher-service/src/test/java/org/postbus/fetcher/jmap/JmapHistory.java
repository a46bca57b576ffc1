package org.postbus.fetcher.jmap;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.postbus.devstack.rawclient.RawJmap;

/** What users do to a mail account over years, drawn from a seed, over JMAP. */
final class JmapHistory {
    private static final int MAILBOXES_MAX = 14;
    private static final int EMAILS_MAX = 400;
    private static final int REFUSALS_MAX = 50;
    private static final List<String> KEYWORDS =
            List.of("$seen", "$flagged", "$answered", "$draft", "work", "$forwarded");

    private final Random random;
    private final RawJmap client;
    /** The mailboxes that may be changed, each with its parent, "" if it has none. */
    private final Map<String, String> parents = new TreeMap<>();

    private final Map<String, Set<String>> emails = new TreeMap<>();
    private String inbox;
    private int operations;
    private int refusals;
    private int made;

    JmapHistory(Random random, RawJmap client) {
        this.random = random;
        this.client = client;
        readState();
    }

    int operations() {
        return operations;
    }

    /** Some operations in one request. */
    void some() {
        try {
            if (random.nextInt(15) == 0) {
                onMailboxes();
                operations++;
            } else {
                operations += onEmails();
            }
        } catch (RawJmap.RefusedException refused) {
            // Servers sometimes fail because of their own concurrency. Their state shows what they did.
            if (++refusals > REFUSALS_MAX) {
                throw refused;
            }
            readState();
        }
    }

    /** After a change by another client, or one that was not reported. */
    void readState() {
        parents.clear();
        emails.clear();
        for (JsonNode mailbox : client.mailboxes()) {
            if (mailbox.path("role").asText("").equals("inbox")) {
                inbox = mailbox.get("id").asText();
            } else if (mailbox.get("name").asText().startsWith("m")) {
                parents.put(mailbox.get("id").asText(), mailbox.path("parentId").asText(""));
            }
        }
        client.emails(client.emailIds(), "mailboxIds").forEach(email -> {
            Set<String> in = new LinkedHashSet<>();
            email.get("mailboxIds").fieldNames().forEachRemaining(in::add);
            emails.put(email.get("id").asText(), in);
        });
    }

    Set<String> emails() {
        return emails.keySet();
    }

    private void onMailboxes() {
        List<String> own = List.copyOf(parents.keySet());
        int what = own.isEmpty() ? 0 : random.nextInt(4);
        switch (what) {
            case 0, 1 -> {
                if (own.size() < MAILBOXES_MAX) {
                    String parent = own.isEmpty() || random.nextBoolean() ? "" : any(own);
                    JsonNode created = client.set("Mailbox", Map.of("create", Map.of("m", named(parent))))
                            .at("/created/m/id");
                    if (!created.isTextual()) {
                        readState();
                    } else {
                        parents.put(created.asText(), parent);
                    }
                }
            }
            case 2 -> {
                String mailbox = any(own);
                String parent = random.nextBoolean() || own.size() < 2 ? "" : any(own);
                if (isUnder(parent, mailbox)) {
                    parent = "";
                }
                client.set("Mailbox", Map.of("update", Map.of(mailbox, named(parent))));
                readState();
            }
            default -> {
                String leaf = own.stream()
                        .filter(mailbox -> !parents.containsValue(mailbox))
                        .findFirst()
                        .orElseThrow();
                client.set("Mailbox", Map.of("destroy", List.of(leaf), "onDestroyRemoveEmails", true));
                readState();
            }
        }
    }

    private Map<String, Object> named(String parent) {
        Map<String, Object> mailbox = new HashMap<>();
        mailbox.put("name", "m" + ++made);
        mailbox.put("parentId", parent.isEmpty() ? null : parent);
        return mailbox;
    }

    private boolean isUnder(String mailbox, String root) {
        for (String at = mailbox; !at.isEmpty(); at = parents.getOrDefault(at, "")) {
            if (at.equals(root)) {
                return true;
            }
        }
        return false;
    }

    private int onEmails() {
        Map<String, Object> create = new TreeMap<>();
        Map<String, Map<String, Object>> update = new TreeMap<>();
        Set<String> destroy = new LinkedHashSet<>();
        List<String> known = new ArrayList<>(emails.keySet());
        for (int left = 1 + random.nextInt(12); left > 0; left--) {
            int what = known.isEmpty() ? 0 : random.nextInt(emails.size() > EMAILS_MAX ? 10 : 7);
            switch (what) {
                case 0, 1 -> create.put("e" + create.size(), message(anyMailbox(), ++made));
                case 2, 3 -> keywords(update.computeIfAbsent(take(known), id -> new TreeMap<>()));
                case 4, 5 -> {
                    String email = take(known);
                    mailboxes(email, update.computeIfAbsent(email, id -> new TreeMap<>()));
                }
                default -> destroy.add(take(known));
            }
        }
        JsonNode answer = client.set("Email", Map.of("create", create, "update", update, "destroy", destroy));
        answer.path("created")
                .properties()
                .forEach(email -> emails.put(
                        email.getValue().get("id").asText(), new LinkedHashSet<>(mailboxesOf(create, email.getKey()))));
        destroy.forEach(emails::remove);
        boolean allDone = List.of("notCreated", "notUpdated", "notDestroyed").stream()
                .allMatch(name -> answer.path(name).isEmpty());
        if (!allDone) {
            readState();
        }
        return create.size() + update.size() + destroy.size();
    }

    @SuppressWarnings("unchecked") // message() made it
    private static Set<String> mailboxesOf(Map<String, Object> create, String key) {
        return ((Map<String, Map<String, Object>>) create.get(key))
                .get("mailboxIds")
                .keySet();
    }

    static Map<String, Object> message(String mailbox, int number) {
        Map<String, Object> email = new TreeMap<>();
        email.put("mailboxIds", Map.of(mailbox, true));
        if (number % 3 == 0) {
            // James accepts no empty keywords.
            email.put("keywords", Map.of("$seen", true));
        }
        email.put("messageId", List.of(number + "@history.example.org"));
        email.put("from", List.of(Map.of("email", "a@example.org")));
        email.put("subject", "no. " + number);
        email.put(
                "receivedAt",
                Instant.ofEpochSecond(1_760_000_000L + number * 7919L % 1_000_000)
                        .toString());
        email.put("textBody", List.of(Map.of("partId", "1", "type", "text/plain")));
        email.put("bodyValues", Map.of("1", Map.of("value", "text " + number)));
        return email;
    }

    private void keywords(Map<String, Object> patch) {
        patch.put("keywords/" + any(KEYWORDS), random.nextBoolean() ? true : null);
    }

    /** Adds a mailbox, or replaces one by another. */
    private void mailboxes(String email, Map<String, Object> patch) {
        Set<String> in = emails.get(email);
        String to = anyMailbox();
        String from = in.iterator().next();
        patch.put("mailboxIds/" + to, true);
        in.add(to);
        if (!from.equals(to) && random.nextInt(3) > 0) {
            patch.put("mailboxIds/" + from, null);
            in.remove(from);
        }
    }

    private String anyMailbox() {
        return parents.isEmpty() || random.nextInt(4) == 0 ? inbox : any(List.copyOf(parents.keySet()));
    }

    private String take(List<String> known) {
        return known.size() == 1 ? known.getFirst() : known.remove(random.nextInt(known.size()));
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
