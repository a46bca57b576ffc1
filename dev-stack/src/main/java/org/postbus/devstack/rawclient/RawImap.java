package org.postbus.devstack.rawclient;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.postbus.devstack.mailserver.James;

/**
 * Somebody else's mail program: a blocking IMAP client over one plain socket that shares nothing with {@code mail-client}, so that
 * what it says about a server is evidence. It understands what our own servers say, not what all servers say.
 *
 * <p>Mailbox names are raw names (modified UTF-7), quoted. One command at a time, one thread at a time. A {@code NO} or {@code BAD}
 * is a {@link RefusedException}, a broken connection an {@link UncheckedIOException}.
 */
public final class RawImap implements AutoCloseable {
    /** James may take seconds to answer on a busy machine, never this long. */
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(60);

    private static final Duration CONNECT_WAIT = Duration.ofSeconds(10);
    private static final int LITERAL_BYTES_MAX = 64 * 1024 * 1024;
    /** A command line of at most 8000 octets is understood everywhere (RFC 7162 section 4). */
    private static final int UIDS_PER_COMMAND_MAX = 700;

    private static final Pattern LITERAL = Pattern.compile("\\{(\\d+)}$");
    private static final Pattern APPEND_UID = Pattern.compile("\\[APPENDUID (\\d+) (\\d+)]", Pattern.CASE_INSENSITIVE);
    /** RFC 9051: {@code date-time}; the day may have a leading space. */
    private static final DateTimeFormatter DATE_TIME = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .appendPattern("d-MMM-yyyy HH:mm:ss Z")
            .toFormatter(Locale.ENGLISH);

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private int commands;
    private Optional<Boolean> canMove = Optional.empty();

    private RawImap(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
        this.out = socket.getOutputStream();
    }

    /** The server said {@code NO} or {@code BAD}. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        RefusedException(String command, String answer) {
            super(command + ": " + answer);
        }
    }

    /** A line of LIST. Attributes are in lower case, with their backslash. */
    public record Listed(String name, Set<String> attributes) {
        public boolean selectable() {
            return !attributes.contains("\\noselect") && !attributes.contains("\\nonexistent");
        }
    }

    /** What SELECT says; 0 for what it does not say. */
    public record Selected(long exists, long uidValidity, long uidNext, long highestModSeq) {}

    /**
     * A message as FETCH describes it.
     *
     * @param flags as the server writes them, without {@code \Recent}
     * @param messageId with its angle brackets; empty if there is none
     * @param emailId OBJECTID's, where the server has it (RFC 8474)
     */
    public record Message(
            long uid,
            Set<String> flags,
            long size,
            Instant internalDate,
            Optional<String> messageId,
            Optional<String> emailId) {}

    /** @throws UncheckedIOException if nobody listens there */
    public static RawImap login(String host, int port, String user, String password) {
        try {
            Socket socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) ANSWER_WAIT.toMillis());
            socket.connect(new InetSocketAddress(host, port), (int) CONNECT_WAIT.toMillis());
            RawImap imap = new RawImap(socket);
            imap.readResponse();
            imap.command("LOGIN " + quoted(user) + " " + quoted(password), "LOGIN");
            return imap;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public boolean has(String capability) {
        return untagged(command("CAPABILITY"), "CAPABILITY").stream()
                .flatMap(List::stream)
                .anyMatch(item -> capability.equalsIgnoreCase(item.toString()));
    }

    public List<Listed> list() {
        List<Listed> listed = new ArrayList<>();
        for (List<Object> response : untagged(command("LIST \"\" \"*\""), "LIST")) {
            listed.add(new Listed(text(response.get(3)), lowerCased(response.get(1))));
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
     * @return its UID, where the server has UIDPLUS
     */
    public Optional<Long> append(String mailbox, Collection<String> flags, Instant internalDate, byte[] message) {
        // RFC 9051: date-day-fixed = (SP DIGIT) / 2DIGIT
        String date = String.format("%26s", DATE_TIME.format(internalDate.atZone(ZoneOffset.UTC)));
        String tag = nextTag();
        // One at a time: James loses its place when literals that nobody waits for follow each other.
        send(tag + " APPEND " + quoted(mailbox) + " (" + String.join(" ", flags) + ") \"" + date + "\" {"
                + message.length + "}\r\n");
        Response invitation = readResponse();
        // What happens in the selected mailbox may be told before.
        while (invitation.tag.equals("*")) {
            invitation = readResponse();
        }
        if (!invitation.tag.equals("+")) {
            throw new RefusedException("APPEND", invitation.rest);
        }
        send(message);
        send("\r\n");
        Response end = awaitEnd(tag, "APPEND", new ArrayList<>());
        Matcher uid = APPEND_UID.matcher(end.rest);
        return uid.find() ? Optional.of(Long.parseLong(uid.group(2))) : Optional.empty();
    }

    /** All messages of the selected mailbox, by UID. */
    public List<Message> fetchAll() {
        return fetch("1:*");
    }

    /** @param uids a UID set in IMAP's notation */
    public List<Message> fetch(String uids) {
        String emailId = has("OBJECTID") ? " EMAILID" : "";
        List<Message> messages = new ArrayList<>();
        for (List<Object> response : command("UID FETCH " + uids + " (UID FLAGS RFC822.SIZE INTERNALDATE" + emailId
                + " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")) {
            // A FETCH that nobody asked for brings flags alone.
            if (isFetch(response) && item(response, "RFC822.SIZE").isPresent()) {
                messages.add(message(response));
            }
        }
        messages.sort(java.util.Comparator.comparingLong(Message::uid));
        return messages;
    }

    /** Of all messages of the selected mailbox, in no order. */
    public List<Long> uids() {
        return untagged(command("UID SEARCH ALL"), "SEARCH").stream()
                .flatMap(response -> response.stream().skip(1))
                .map(uid -> Long.parseLong(text(uid)))
                .toList();
    }

    /** The raw message. */
    public byte[] fetchRaw(long uid) {
        for (List<Object> response : command("UID FETCH " + uid + " (UID BODY.PEEK[])")) {
            if (isFetch(response) && item(response, "BODY[]").orElse(null) instanceof Literal literal) {
                return literal.bytes;
            }
        }
        throw new RefusedException("UID FETCH", "no message has UID " + uid);
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

    /** Where the server cannot, as clients did before there was MOVE. */
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

    /** Deletes these messages and no others from the selected mailbox. */
    public void expunge(Collection<Long> uids) {
        addFlags(uids, "\\Deleted");
        forEachSet(uids, set -> command("UID EXPUNGE " + set));
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void store(Collection<Long> uids, String how, String... flags) {
        forEachSet(uids, set -> command("UID STORE " + set + " " + how + " (" + String.join(" ", flags) + ")"));
    }

    private static void forEachSet(Collection<Long> uids, java.util.function.Consumer<String> use) {
        List<Long> all = List.copyOf(uids);
        for (int from = 0; from < all.size(); from += UIDS_PER_COMMAND_MAX) {
            use.accept(all.subList(from, Math.min(all.size(), from + UIDS_PER_COMMAND_MAX)).stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",")));
        }
    }

    private static Message message(List<Object> response) {
        Predicate<String> kept = flag -> !flag.equalsIgnoreCase("\\Recent");
        Set<String> flags = item(response, "FLAGS").map(RawImap::texts).orElse(List.of()).stream()
                .filter(kept)
                .collect(Collectors.toCollection(TreeSet::new));
        String header = item(response, "BODY[HEADER.FIELDS (MESSAGE-ID)]")
                .map(RawImap::text)
                .orElse("");
        int colon = header.indexOf(':');
        String messageId = header.substring(colon + 1).strip();
        return new Message(
                Long.parseLong(item(response, "UID").orElseThrow().toString()),
                flags,
                Long.parseLong(item(response, "RFC822.SIZE").orElseThrow().toString()),
                Instant.from(DATE_TIME.parse(
                        text(item(response, "INTERNALDATE").orElseThrow()).strip())),
                messageId.isEmpty() ? Optional.empty() : Optional.of(messageId),
                item(response, "EMAILID")
                        .filter(List.class::isInstance)
                        .map(RawImap::texts)
                        .map(List::getFirst));
    }

    private static boolean isFetch(List<Object> response) {
        return response.size() == 3
                && "FETCH".equalsIgnoreCase(response.get(1).toString())
                && response.get(2) instanceof List;
    }

    /** The value that follows {@code name} in a FETCH response. */
    private static Optional<Object> item(List<Object> response, String name) {
        List<?> items = (List<?>) response.get(2);
        for (int i = 0; i + 1 < items.size(); i += 2) {
            // One server puts names of header fields in quotes.
            if (name.equalsIgnoreCase(items.get(i).toString().replace("\"", ""))) {
                return Optional.of(items.get(i + 1));
            }
        }
        return Optional.empty();
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
        return texts(list).stream()
                .map(item -> item.toLowerCase(Locale.ROOT))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<String> texts(Object list) {
        return ((List<?>) list).stream().map(RawImap::text).toList();
    }

    private static String text(Object item) {
        return item.toString();
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

    /** @param shown what an error may say of the command: a LOGIN holds a password */
    private List<List<Object>> command(String command, String shown) {
        String tag = nextTag();
        send(tag + " " + command + "\r\n");
        List<List<Object>> responses = new ArrayList<>();
        awaitEnd(tag, shown, responses);
        return responses;
    }

    private Response awaitEnd(String tag, String shown, List<List<Object>> untagged) {
        while (true) {
            Response response = readResponse();
            if (response.tag.equals("*")) {
                untagged.add(response.items);
            } else if (response.tag.equals(tag)) {
                if (!response.rest.toUpperCase(Locale.ROOT).startsWith("OK")) {
                    throw new RefusedException(shown, response.rest);
                }
                return response;
            } else {
                throw new RefusedException(shown, "unexpected: " + response.tag + " " + response.rest);
            }
        }
    }

    private String nextTag() {
        return "r" + ++commands;
    }

    private void send(String text) {
        send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private void send(byte[] bytes) {
        try {
            out.write(bytes);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Bytes that were announced by their length; as text they are Latin-1. */
    private record Literal(byte[] bytes) {
        @Override
        public String toString() {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }

    /**
     * @param rest the line after the tag, without literals
     * @param items the same, in tokens: texts, {@link Literal}s and lists of them
     */
    private record Response(String tag, String rest, List<Object> items) {}

    private Response readResponse() {
        try {
            StringBuilder shown = new StringBuilder();
            List<Object> pieces = new ArrayList<>();
            while (true) {
                String line = readLine();
                Matcher literal = LITERAL.matcher(line);
                if (!literal.find()) {
                    pieces.add(line);
                    shown.append(line);
                    break;
                }
                int length = Integer.parseInt(literal.group(1));
                if (length > LITERAL_BYTES_MAX) {
                    throw new IOException("a literal of " + length + " bytes");
                }
                pieces.add(line.substring(0, literal.start()));
                shown.append(line, 0, literal.start());
                byte[] bytes = in.readNBytes(length);
                if (bytes.length < length) {
                    throw new EOFException("connection closed within a literal");
                }
                pieces.add(new Literal(bytes));
            }
            String all = shown.toString();
            int space = all.indexOf(' ');
            String tag = space < 0 ? all : all.substring(0, space);
            String rest = space < 0 ? "" : all.substring(space + 1);
            return new Response(tag, rest, tag.equals("*") ? new Tokens(pieces).afterTag() : List.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("connection closed by the server");
            }
            line.write(b);
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    /** Cuts lines and the literals between them into tokens. Text of {@code OK} and the like is cut at its spaces. */
    private static final class Tokens {
        private final List<Object> pieces;
        private int piece;
        private int position;

        Tokens(List<Object> pieces) {
            this.pieces = pieces;
        }

        List<Object> afterTag() {
            position = 2;
            return list();
        }

        private List<Object> list() {
            List<Object> items = new ArrayList<>();
            while (piece < pieces.size()) {
                if (pieces.get(piece) instanceof Literal literal) {
                    items.add(literal);
                    next();
                    continue;
                }
                String line = (String) pieces.get(piece);
                if (position >= line.length()) {
                    next();
                    continue;
                }
                char c = line.charAt(position);
                if (c == ' ') {
                    position++;
                } else if (c == '(') {
                    position++;
                    items.add(list());
                } else if (c == ')') {
                    position++;
                    return items;
                } else if (c == '"') {
                    items.add(quotedText(line));
                } else {
                    items.add(atom(line));
                }
            }
            return items;
        }

        private void next() {
            piece++;
            position = 0;
        }

        private String quotedText(String line) {
            StringBuilder text = new StringBuilder();
            for (position++; position < line.length() && line.charAt(position) != '"'; position++) {
                if (line.charAt(position) == '\\' && position + 1 < line.length()) {
                    position++;
                }
                text.append(line.charAt(position));
            }
            position++;
            return text.toString();
        }

        /** What stands in brackets belongs to the atom: {@code BODY[HEADER.FIELDS (MESSAGE-ID)]}. */
        private String atom(String line) {
            int start = position;
            int depth = 0;
            while (position < line.length()) {
                char c = line.charAt(position);
                if (c == '[') {
                    depth++;
                } else if (c == ']') {
                    depth--;
                } else if (depth <= 0 && (c == ' ' || c == '(' || c == ')')) {
                    break;
                }
                position++;
            }
            return line.substring(start, position);
        }
    }
}
