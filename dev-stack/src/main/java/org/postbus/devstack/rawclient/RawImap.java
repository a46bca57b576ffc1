package org.postbus.devstack.rawclient;

import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A blocking IMAP client over one plain connection. It shares no code with {@code mail-client}, so that tests can use what it reads as
 * evidence.
 *
 * <p>Mailbox names are raw names (modified UTF-7), quoted. One command at a time, one thread at a time. A {@code NO} or {@code BAD}
 * is a {@link RefusedException}, a broken connection an {@link UncheckedIOException}.
 */
public final class RawImap implements AutoCloseable {
    /** Every server accepts a command line of 8000 octets (RFC 7162 section 4). */
    private static final int UIDS_PER_COMMAND_MAX = 700;

    private static final Pattern APPEND_UID = Pattern.compile("\\[APPENDUID (\\d+) (\\d+)]", Pattern.CASE_INSENSITIVE);

    private final ImapWire wire;
    private int commands;
    private Optional<Boolean> canMove = Optional.empty();

    private RawImap(ImapWire wire) {
        this.wire = wire;
    }

    /** The server responded with {@code NO} or {@code BAD}. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        RefusedException(String command, String answer) {
            super(command + ": " + answer);
        }
    }

    /** A LIST response. Attributes are in lower case, with their backslash. */
    public record Listed(String name, Set<String> attributes) {
        public boolean selectable() {
            return !attributes.contains("\\noselect") && !attributes.contains("\\nonexistent");
        }
    }

    /** The result of SELECT; a number that the server does not send is 0. */
    public record Selected(long exists, long uidValidity, long uidNext, long highestModSeq) {}

    /**
     * A message as FETCH describes it.
     *
     * @param flags as the server writes them, without {@code \Recent}
     * @param messageId with its angle brackets; empty if the message has none
     * @param emailId OBJECTID's, if the server supports it (RFC 8474)
     */
    public record Message(
            long uid,
            Set<String> flags,
            long size,
            Instant internalDate,
            Optional<String> messageId,
            Optional<String> emailId) {}

    /** @throws UncheckedIOException if the connection cannot be established */
    public static RawImap login(String host, int port, String user, String password) {
        RawImap imap = new RawImap(ImapWire.connect(host, port));
        imap.wire.read();
        imap.command("LOGIN " + quoted(user) + " " + quoted(password), "LOGIN");
        return imap;
    }

    public boolean has(String capability) {
        return untagged(command("CAPABILITY"), "CAPABILITY").stream()
                .flatMap(List::stream)
                .anyMatch(item -> capability.equalsIgnoreCase(item.toString()));
    }

    public List<Listed> list() {
        List<Listed> listed = new ArrayList<>();
        for (List<Object> response : untagged(command("LIST \"\" \"*\""), "LIST")) {
            listed.add(new Listed(response.get(3).toString(), lowerCased(response.get(1))));
        }
        return listed;
    }

    public void create(String mailbox) {
        command("CREATE " + quoted(mailbox));
        command("SUBSCRIBE " + quoted(mailbox));
    }

    public void delete(String mailbox) {
        command("DELETE " + quoted(mailbox));
    }

    public void rename(String from, String to) {
        command("RENAME " + quoted(from) + " " + quoted(to));
    }

    public Selected select(String mailbox) {
        long exists = 0;
        long uidValidity = 0;
        long uidNext = 0;
        long highestModSeq = 0;
        for (List<Object> response : command("SELECT " + quoted(mailbox))) {
            String line = response.stream().map(Object::toString).collect(Collectors.joining(" "));
            if (response.size() > 1 && "EXISTS".equalsIgnoreCase(response.get(1).toString())) {
                exists = Long.parseLong(response.get(0).toString());
            }
            uidValidity = code(line, "UIDVALIDITY").orElse(uidValidity);
            uidNext = code(line, "UIDNEXT").orElse(uidNext);
            highestModSeq = code(line, "HIGHESTMODSEQ").orElse(highestModSeq);
        }
        return new Selected(exists, uidValidity, uidNext, highestModSeq);
    }

    /**
     * @param message with CRLF line ends
     * @return its UID, if the server supports UIDPLUS
     */
    public Optional<Long> append(String mailbox, Collection<String> flags, Instant internalDate, byte[] message) {
        String tag = nextTag();
        // A synchronizing literal: James misreads pipelined non-synchronizing ones.
        wire.send(tag + " APPEND " + quoted(mailbox) + " (" + String.join(" ", flags) + ") \""
                + ImapFetch.dateTime(internalDate) + "\" {" + message.length + "}\r\n");
        ImapWire.Response continuation = wire.read();
        // Untagged responses about the selected mailbox may come first.
        while (continuation.tag().equals("*")) {
            continuation = wire.read();
        }
        if (!continuation.tag().equals("+")) {
            throw new RefusedException("APPEND", continuation.text());
        }
        wire.send(message);
        wire.send("\r\n");
        ImapWire.Response completion = awaitCompletion(tag, "APPEND", new ArrayList<>());
        Matcher uid = APPEND_UID.matcher(completion.text());
        return uid.find() ? Optional.of(Long.parseLong(uid.group(2))) : Optional.empty();
    }

    /** All messages of the selected mailbox, by UID. */
    public List<Message> fetchAll() {
        return fetch("1:*");
    }

    /** @param uids a UID set in IMAP's notation (RFC 9051 {@code sequence-set}) */
    public List<Message> fetch(String uids) {
        String emailId = has("OBJECTID") ? " EMAILID" : "";
        List<Message> messages = new ArrayList<>();
        for (List<Object> response : command("UID FETCH " + uids + " (UID FLAGS RFC822.SIZE INTERNALDATE" + emailId
                + " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")) {
            if (ImapFetch.describesMessage(response)) {
                messages.add(ImapFetch.message(response));
            }
        }
        messages.sort(Comparator.comparingLong(Message::uid));
        return messages;
    }

    /** The UIDs of all messages of the selected mailbox, in no particular order. */
    public List<Long> uids() {
        return untagged(command("UID SEARCH ALL"), "SEARCH").stream()
                .flatMap(response -> response.stream().skip(1))
                .map(uid -> Long.parseLong(uid.toString()))
                .toList();
    }

    public void addFlags(Collection<Long> uids, String... flags) {
        store(uids, "+FLAGS.SILENT", flags);
    }

    public void removeFlags(Collection<Long> uids, String... flags) {
        store(uids, "-FLAGS.SILENT", flags);
    }

    public void copy(Collection<Long> uids, String mailbox) {
        forEachSet(uids, set -> command("UID COPY " + set + " " + quoted(mailbox)));
    }

    /** By MOVE (RFC 6851) if the server supports it, otherwise by COPY and EXPUNGE. */
    public void move(Collection<Long> uids, String mailbox) {
        if (canMove.isEmpty()) {
            canMove = Optional.of(has("MOVE"));
        }
        if (canMove.get()) {
            forEachSet(uids, set -> command("UID MOVE " + set + " " + quoted(mailbox)));
        } else {
            copy(uids, mailbox);
            expunge(uids);
        }
    }

    /** Deletes these messages and no others from the selected mailbox (UIDPLUS). */
    public void expunge(Collection<Long> uids) {
        addFlags(uids, "\\Deleted");
        forEachSet(uids, set -> command("UID EXPUNGE " + set));
    }

    @Override
    public void close() {
        wire.close();
    }

    private void store(Collection<Long> uids, String how, String... flags) {
        forEachSet(uids, set -> command("UID STORE " + set + " " + how + " (" + String.join(" ", flags) + ")"));
    }

    private static void forEachSet(Collection<Long> uids, Consumer<String> use) {
        List<Long> all = List.copyOf(uids);
        for (int from = 0; from < all.size(); from += UIDS_PER_COMMAND_MAX) {
            use.accept(all.subList(from, Math.min(all.size(), from + UIDS_PER_COMMAND_MAX)).stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",")));
        }
    }

    private static Optional<Long> code(String line, String name) {
        Matcher matcher = Pattern.compile("\\[" + name + " (\\d+)]", Pattern.CASE_INSENSITIVE)
                .matcher(line);
        return matcher.find() ? Optional.of(Long.parseLong(matcher.group(1))) : Optional.empty();
    }

    private static List<List<Object>> untagged(List<List<Object>> responses, String name) {
        return responses.stream()
                .filter(response -> name.equalsIgnoreCase(response.getFirst().toString()))
                .toList();
    }

    private static Set<String> lowerCased(Object list) {
        return ImapFetch.texts(list).stream()
                .map(item -> item.toLowerCase(Locale.ROOT))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String quoted(String text) {
        if (text.chars().anyMatch(c -> c < ' ' || c > '~')) {
            throw new IllegalArgumentException("only printable ASCII can be quoted");
        }
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private List<List<Object>> command(String command) {
        return command(command, command);
    }

    /** @param shown the command in error messages: a LOGIN holds a password */
    private List<List<Object>> command(String command, String shown) {
        String tag = nextTag();
        wire.send(tag + " " + command + "\r\n");
        List<List<Object>> responses = new ArrayList<>();
        awaitCompletion(tag, shown, responses);
        return responses;
    }

    private ImapWire.Response awaitCompletion(String tag, String shown, List<List<Object>> untagged) {
        while (true) {
            ImapWire.Response response = wire.read();
            if (response.tag().equals("*")) {
                untagged.add(response.items());
            } else if (response.tag().equals(tag)) {
                if (!response.text().toUpperCase(Locale.ROOT).startsWith("OK")) {
                    throw new RefusedException(shown, response.text());
                }
                return response;
            } else {
                throw new RefusedException(shown, "unexpected: " + response.tag() + " " + response.text());
            }
        }
    }

    private String nextTag() {
        return "r" + ++commands;
    }
}
