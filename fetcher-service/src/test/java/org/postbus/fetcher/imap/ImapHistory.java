package org.postbus.fetcher.imap;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.postbus.devstack.rawclient.RawImap;

/** What users do to a mail account over years, drawn from a seed, over one connection that may be replaced. */
final class ImapHistory {
    private static final int MAILBOXES_MAX = 14;
    private static final int MESSAGES_MAX = 250;
    private static final int REFUSALS_MAX = 50;
    private static final String[] FLAGS = {"\\Seen", "\\Flagged", "\\Answered", "\\Draft", "work", "$Forwarded", "Later"
    };

    private final Random random;
    private final String top;
    private final char delimiter;
    private final List<String> names = new ArrayList<>(List.of("INBOX"));
    private final Supplier<RawImap> reconnect;
    private RawImap client;
    private int operations;
    private int refusals;
    private int made;
    private byte[] last = message(0);

    /**
     * @param top the prefix of all mailbox names but INBOX
     * @param reconnect closes the present connection, if any, and opens another
     */
    ImapHistory(Random random, String top, char delimiter, Supplier<RawImap> reconnect) {
        this.random = random;
        this.top = top;
        this.delimiter = delimiter;
        this.reconnect = reconnect;
        this.client = reconnect.get();
    }

    int operations() {
        return operations;
    }

    /** Some operations on one mailbox. */
    int some() {
        int before = operations;
        try {
            someOrRefused();
        } catch (RawImap.RefusedException e) {
            readMailboxes(e);
        } catch (UncheckedIOException e) {
            client = reconnect.get();
            readMailboxes(e);
        }
        return operations - before;
    }

    /** Servers sometimes fail because of their own concurrency; Dovecot's processes even die. Their state shows what they did. */
    private void readMailboxes(RuntimeException refused) {
        refusals++;
        if (refusals > REFUSALS_MAX) {
            throw refused;
        }
        names.clear();
        client.list().forEach(mailbox -> names.add(mailbox.name()));
        names.remove("INBOX");
        names.addFirst("INBOX");
    }

    /** Like a client whose network failed. */
    void reconnect() {
        client = reconnect.get();
    }

    private void someOrRefused() {
        if (random.nextInt(20) == 0) {
            onMailboxes();
            return;
        }
        String mailbox = any(names);
        List<Long> uids = new ArrayList<>(
                client.select(mailbox).exists() == 0
                        ? List.of()
                        : client.uids().stream().sorted().toList());
        for (int left = 1 + random.nextInt(12); left > 0; left--) {
            onMessages(mailbox, uids);
            operations++;
        }
    }

    private void onMessages(String mailbox, List<Long> uids) {
        List<Long> few = few(uids);
        int what = few.isEmpty() ? 0 : random.nextInt(uids.size() > MESSAGES_MAX ? 10 : 7);
        switch (what) {
            case 0, 1 -> append(random.nextInt(3) == 0 ? mailbox : any(names), mailbox, uids);
            case 2 -> client.addFlags(few, any(List.of(FLAGS)), any(List.of(FLAGS)));
            case 3 -> client.removeFlags(few, any(List.of(FLAGS)));
            case 4 -> client.copy(few, other(mailbox));
            case 5 -> move(mailbox, few, uids);
            default -> {
                client.expunge(few);
                uids.removeAll(few);
            }
        }
    }

    private void append(String target, String selected, List<Long> uids) {
        boolean same = random.nextInt(20) == 0;
        last = same ? last : message(++made);
        List<String> flags = random.nextBoolean() ? List.of() : List.of(any(List.of(FLAGS)));
        Instant date = Instant.ofEpochSecond(1_760_000_000L + random.nextInt(1_000_000));
        client.append(target, flags, date, last)
                .filter(uid -> target.equals(selected))
                .ifPresent(uids::add);
    }

    private void move(String mailbox, List<Long> few, List<Long> uids) {
        String target = other(mailbox);
        if (!target.equals(mailbox)) {
            client.move(few, target);
            uids.removeAll(few);
        }
    }

    private void onMailboxes() {
        operations++;
        int which = 1 + random.nextInt(Math.max(1, names.size() - 1));
        boolean some = names.size() > 1;
        int what = random.nextInt(4);
        if (!some || what == 0 && names.size() < MAILBOXES_MAX) {
            String parent = some && random.nextBoolean() ? names.get(which) + delimiter : top;
            String name = parent + "m" + operations;
            if (parent.chars().filter(c -> c == delimiter).count() < 3) {
                client.create(name);
                names.add(name);
            }
        } else if (what == 1 && !names.get(which).equals("INBOX")) {
            rename(names.get(which), top + "r" + operations);
        } else if (what == 2 && names.size() > MAILBOXES_MAX / 2 && isLeaf(names.get(which))) {
            client.select("INBOX");
            client.delete(names.remove(which));
        } else if (what == 3 && isLeaf(names.get(which))) {
            // Another mailbox with the same name.
            client.select("INBOX");
            client.delete(names.get(which));
            client.create(names.get(which));
        }
    }

    private void rename(String from, String to) {
        client.select("INBOX");
        client.rename(from, to);
        names.replaceAll(name ->
                name.equals(from) || name.startsWith(from + delimiter) ? to + name.substring(from.length()) : name);
    }

    private boolean isLeaf(String mailbox) {
        return names.stream().noneMatch(name -> name.startsWith(mailbox + delimiter));
    }

    private String other(String mailbox) {
        return random.nextInt(10) == 0 ? mailbox : any(names);
    }

    private List<Long> few(List<Long> uids) {
        if (uids.isEmpty()) {
            return List.of();
        }
        int from = random.nextInt(uids.size());
        int count = random.nextInt(10) == 0 ? uids.size() : 1 + random.nextInt(4);
        return List.copyOf(uids.subList(from, Math.min(uids.size(), from + count)));
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private byte[] message(int number) {
        String id = number % 25 == 24 ? "" : "Message-ID: <" + number + "@history.example.org>\r\n";
        return (id + "From: a@example.org\r\nSubject: no. " + number + "\r\n\r\n" + "x".repeat(number % 97) + "\r\n")
                .getBytes(StandardCharsets.UTF_8);
    }
}
