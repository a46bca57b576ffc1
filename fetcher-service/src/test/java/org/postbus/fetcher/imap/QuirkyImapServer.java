package org.postbus.fetcher.imap;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An IMAP server in memory that behaves as a test wants, like servers that cannot be started here: its capabilities, what it
 * omits, where it answers NO, and where its answers are wrong. It knows the commands that the fetcher sends.
 */
public final class QuirkyImapServer implements AutoCloseable {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("dd-MMM-yyyy HH:mm:ss Z", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);
    private static final Pattern QRESYNC = Pattern.compile("\\(QRESYNC \\((\\d+) (\\d+)");
    private static final Pattern CHANGED_SINCE = Pattern.compile("CHANGEDSINCE (\\d+)");
    private static final Pattern START = Pattern.compile("BODY\\.PEEK\\[]<0\\.(\\d+)>");

    /** In an answer: the connection breaks here. */
    static final String HANG_UP = "HANG-UP";

    private final ServerSocket listening;
    private final Map<String, Mailbox> mailboxes = new LinkedHashMap<>();
    private final List<Habit> habits = new CopyOnWriteArrayList<>();
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final List<Socket> open = new CopyOnWriteArrayList<>();
    private final List<Session> sessions = new CopyOnWriteArrayList<>();
    private volatile Set<String> capabilities;
    private volatile int searchMax = Integer.MAX_VALUE;

    /** @param capabilities besides IMAP4rev1 */
    public QuirkyImapServer(String... capabilities) {
        this.capabilities = new TreeSet<>(Arrays.asList(capabilities));
        mailbox("INBOX", "");
        try {
            listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
            Thread.ofVirtual().start(this::accept);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Replaces or changes the answer to a command. */
    private record Habit(Pattern command, UnaryOperator<String> answer) {}

    public static final class Mail {
        public final byte[] raw;
        public final Set<String> flags = new TreeSet<>();
        public final Set<String> labels = new TreeSet<>();
        final long gmailId;
        public long modSeq;

        Mail(byte[] raw, long gmailId) {
            this.raw = raw;
            this.gmailId = gmailId;
        }
    }

    /** Guarded by the server. */
    public final class Mailbox {
        final String attributes;
        final NavigableMap<Long, Mail> mails = new TreeMap<>();
        final NavigableMap<Long, Long> expunged = new TreeMap<>();
        public long uidValidity = 1000;
        public long uidNext = 1;
        public long modSeq = 10;

        Mailbox(String attributes) {
            this.attributes = attributes;
        }

        public long add(byte[] raw, String... flags) {
            synchronized (QuirkyImapServer.this) {
                Mail mail = new Mail(raw, 7_000_000 + Arrays.hashCode(raw));
                mail.flags.addAll(Arrays.asList(flags));
                mail.modSeq = ++modSeq;
                mails.put(uidNext, mail);
                return uidNext++;
            }
        }

        public long add(String messageId) {
            return add(("Message-ID: <" + messageId + "@example.org>\r\nSubject: " + messageId + "\r\n\r\ntext\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
        }

        public void flag(long uid, String... flags) {
            synchronized (QuirkyImapServer.this) {
                Mail mail = mails.get(uid);
                mail.flags.clear();
                mail.flags.addAll(Arrays.asList(flags));
                mail.modSeq = ++modSeq;
            }
        }

        public void expunge(long uid) {
            synchronized (QuirkyImapServer.this) {
                mails.remove(uid);
                expunged.put(uid, ++modSeq);
            }
        }
    }

    public synchronized Mailbox mailbox(String name, String attributes) {
        return mailboxes.computeIfAbsent(name, unused -> new Mailbox(attributes));
    }

    public Mailbox inbox() {
        return mailbox("INBOX", "");
    }

    public synchronized void rename(String from, String to) {
        mailboxes.put(to, mailboxes.remove(from));
    }

    public synchronized void remove(String mailbox) {
        mailboxes.remove(mailbox);
    }

    public int port() {
        return listening.getLocalPort();
    }

    /** From now on commands with this beginning (without their tag) get this answer; {@code TAG} stands for the tag. */
    void answers(String command, UnaryOperator<String> answer) {
        habits.add(new Habit(Pattern.compile(command), answer));
    }

    /** SEARCH ends after so many results, without saying so. */
    void searchMax(int results) {
        searchMax = results;
    }

    void behavesAgain() {
        habits.clear();
    }

    /** The sessions that are open list these mailboxes from now on, whatever exists, as those of Dovecot do when its list index is spoiled. */
    void spoilLists(String... names) {
        sessions.forEach(session -> session.spoiledList = List.of(names));
    }

    /** All commands since the last call, without their tags. */
    public List<String> heard() {
        List<String> heard = List.copyOf(commands);
        commands.removeAll(heard);
        return heard;
    }

    public void hangUp() {
        open.forEach(QuirkyImapServer::closeQuietly);
        open.clear();
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listening.accept();
                open.add(socket);
                Thread.ofVirtual().start(() -> talk(socket));
            }
        } catch (IOException closed) {
            hangUp();
        }
    }

    private void talk(Socket socket) {
        Session session = new Session();
        sessions.add(session);
        try (socket) {
            OutputStream out = socket.getOutputStream();
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            say(out, "* OK [CAPABILITY IMAP4rev1] here\r\n");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int space = line.indexOf(' ');
                String tag = line.substring(0, Math.max(0, space));
                String command = line.substring(space + 1);
                commands.add(command.startsWith("LOGIN") ? "LOGIN" : command);
                if (command.equals("IDLE")) {
                    say(out, "+ idling\r\n");
                    in.readLine();
                    say(out, tag + " OK idled\r\n");
                    continue;
                }
                String answer = answer(session, command);
                for (Habit habit : habits) {
                    if (habit.command.matcher(command).matches()) {
                        answer = habit.answer.apply(answer);
                    }
                }
                int end = answer.indexOf(HANG_UP);
                say(out, answer.substring(0, end < 0 ? answer.length() : end).replace("TAG", tag));
                if (end >= 0) {
                    return;
                }
            }
        } catch (IOException broken) {
            // A client may close the connection at any time.
            open.remove(socket);
        } finally {
            sessions.remove(session);
        }
    }

    private static void say(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    private static final class Session {
        Mailbox selected;
        boolean qresync;
        /** Null if it lists what exists. */
        volatile List<String> spoiledList;
    }

    private synchronized String answer(Session session, String command) {
        String verb = command.split(" ")[0].toUpperCase(Locale.ROOT);
        return switch (verb) {
            case "LOGIN" -> "TAG OK [CAPABILITY " + capabilities() + "] welcome\r\n";
            case "CAPABILITY" -> "* CAPABILITY " + capabilities() + "\r\nTAG OK\r\n";
            case "ENABLE" -> {
                session.qresync = command.contains("QRESYNC") && capabilities.contains("QRESYNC");
                yield "* ENABLED " + command.substring(7) + "\r\nTAG OK enabled\r\n";
            }
            case "NOOP" -> "TAG OK\r\n";
            case "LIST" -> list(session, command) + "TAG OK listed\r\n";
            case "STATUS" -> {
                String name = unquoted(command.split(" ")[1]);
                yield mailboxes.containsKey(name)
                        ? status(name, command.substring(command.indexOf('('))) + "TAG OK\r\n"
                        : "TAG NO [NONEXISTENT] no such mailbox\r\n";
            }
            case "SELECT", "EXAMINE" -> select(session, command);
            case "UNSELECT" -> {
                session.selected = null;
                yield "TAG OK\r\n";
            }
            case "UID" -> command.startsWith("UID SEARCH") ? search(session, command) : fetch(session, command);
            case "LOGOUT" -> "* BYE\r\nTAG OK\r\n";
            default -> "TAG BAD what is " + verb + "?\r\n";
        };
    }

    private String capabilities() {
        return ("IMAP4rev1 " + String.join(" ", capabilities)).strip();
    }

    private static String unquoted(String name) {
        return name.replace("\"", "");
    }

    private String list(Session session, String command) {
        StringBuilder answer = new StringBuilder();
        int status = command.indexOf("STATUS (");
        List<String> spoiled = session.spoiledList;
        for (String name : spoiled == null ? mailboxes.keySet() : spoiled) {
            Mailbox mailbox = mailboxes.get(name);
            if (mailbox == null) {
                answer.append("* LIST () \"/\" ")
                        .append(name)
                        .append("\r\n* NO Mailbox doesn't exist: ")
                        .append(name)
                        .append("\r\n");
                continue;
            }
            answer.append("* LIST (")
                    .append(mailbox.attributes)
                    .append(") \"/\" \"")
                    .append(name)
                    .append("\"\r\n");
            if (status >= 0 && !mailbox.attributes.contains("\\Noselect")) {
                answer.append(status(name, command.substring(status + 7)));
            }
        }
        return answer.toString();
    }

    private String status(String name, String items) {
        Mailbox mailbox = mailboxes.get(name);
        List<String> said = new ArrayList<>();
        for (String item : items.replaceAll("[()]", "").strip().split(" ")) {
            switch (item) {
                case "MESSAGES" -> said.add("MESSAGES " + mailbox.mails.size());
                case "UIDNEXT" -> said.add("UIDNEXT " + mailbox.uidNext);
                case "UIDVALIDITY" -> said.add("UIDVALIDITY " + mailbox.uidValidity);
                case "UNSEEN" ->
                    said.add("UNSEEN "
                            + mailbox.mails.values().stream()
                                    .filter(mail -> !mail.flags.contains("\\Seen"))
                                    .count());
                case "HIGHESTMODSEQ" -> said.add("HIGHESTMODSEQ " + mailbox.modSeq);
                default -> said.size();
            }
        }
        return "* STATUS \"" + name + "\" (" + String.join(" ", said) + ")\r\n";
    }

    private String select(Session session, String command) {
        Matcher name = Pattern.compile("(?:SELECT|EXAMINE) (\"[^\"]*\"|\\S+)").matcher(command);
        session.selected = name.find() ? mailboxes.get(unquoted(name.group(1))) : null;
        if (session.selected == null) {
            return "TAG NO [NONEXISTENT] no such mailbox\r\n";
        }
        Mailbox mailbox = session.selected;
        StringBuilder answer = new StringBuilder("* FLAGS (\\Seen \\Deleted)\r\n* " + mailbox.mails.size()
                + " EXISTS\r\n* OK [UIDVALIDITY " + mailbox.uidValidity + "]\r\n* OK [UIDNEXT " + mailbox.uidNext
                + "]\r\n");
        if (command.contains("CONDSTORE") || command.contains("QRESYNC")) {
            answer.append("* OK [HIGHESTMODSEQ ").append(mailbox.modSeq).append("]\r\n");
        }
        Matcher resync = QRESYNC.matcher(command);
        if (resync.find() && Long.parseLong(resync.group(1)) == mailbox.uidValidity) {
            long since = Long.parseLong(resync.group(2));
            String gone = mailbox.expunged.entrySet().stream()
                    .filter(entry -> entry.getValue() > since)
                    .map(entry -> entry.getKey().toString())
                    .collect(Collectors.joining(","));
            if (!gone.isEmpty()) {
                answer.append("* VANISHED (EARLIER) ").append(gone).append("\r\n");
            }
            answer.append(fetched(mailbox, uid -> true, since, "UID FLAGS MODSEQ"));
        }
        return answer + "TAG OK [READ-ONLY] selected\r\n";
    }

    private static final Pattern SEARCHED_UIDS = Pattern.compile(" UID ([0-9:,*]+)$");
    private static final Pattern SEARCHED_POSITIONS = Pattern.compile(" (\\d+):(\\d+|\\*)$");

    private String search(Session session, String command) {
        Matcher set = SEARCHED_UIDS.matcher(command);
        Matcher positions = SEARCHED_POSITIONS.matcher(command);
        List<Long> all = List.copyOf(session.selected.mails.keySet());
        List<Long> found = all;
        if (set.find()) {
            found = all.stream()
                    .filter(uid -> contains(set.group(1), uid, session.selected.uidNext))
                    .toList();
        } else if (positions.find()) {
            int last = positions.group(2).equals("*") ? all.size() : Integer.parseInt(positions.group(2));
            found = all.subList(Integer.parseInt(positions.group(1)) - 1, Math.min(last, all.size()));
        }
        String uids = found.stream().limit(searchMax).map(String::valueOf).collect(Collectors.joining(","));
        return (command.contains("RETURN")
                        ? "* ESEARCH (TAG \"TAG\") UID" + (uids.isEmpty() ? "" : " ALL " + uids)
                        : "* SEARCH " + uids.replace(',', ' '))
                + "\r\nTAG OK found\r\n";
    }

    private String fetch(Session session, String command) {
        String[] words = command.split(" ", 4);
        Matcher since = CHANGED_SINCE.matcher(command);
        return fetched(
                        session.selected,
                        uid -> contains(words[2], uid, session.selected.uidNext),
                        since.find() ? Long.parseLong(since.group(1)) : 0,
                        words[3])
                + "TAG OK fetched\r\n";
    }

    private static boolean contains(String set, long uid, long uidNext) {
        return Arrays.stream(set.split(",")).anyMatch(range -> {
            String[] ends = range.split(":");
            long first = ends[0].equals("*") ? uidNext - 1 : Long.parseLong(ends[0]);
            String end = ends[ends.length - 1];
            long last = end.equals("*") ? Math.max(uidNext - 1, first) : Long.parseLong(end);
            return first <= uid && uid <= last;
        });
    }

    private static String fetched(Mailbox mailbox, java.util.function.LongPredicate wanted, long since, String items) {
        StringBuilder answer = new StringBuilder();
        int sequence = 0;
        for (Map.Entry<Long, Mail> entry : mailbox.mails.entrySet()) {
            sequence++;
            Mail mail = entry.getValue();
            if (!wanted.test(entry.getKey()) || mail.modSeq <= since) {
                continue;
            }
            answer.append("* ").append(sequence).append(" FETCH (UID ").append(entry.getKey());
            if (items.contains("FLAGS")) {
                answer.append(" FLAGS (").append(String.join(" ", mail.flags)).append(')');
            }
            if (items.contains("MODSEQ")) {
                answer.append(" MODSEQ (").append(mail.modSeq).append(')');
            }
            if (items.contains("X-GM-MSGID")) {
                answer.append(" X-GM-MSGID ")
                        .append(mail.gmailId)
                        .append(" X-GM-THRID ")
                        .append(mail.gmailId);
            }
            if (items.contains("X-GM-LABELS")) {
                answer.append(" X-GM-LABELS (")
                        .append(String.join(" ", mail.labels))
                        .append(')');
            }
            if (items.contains("INTERNALDATE")) {
                answer.append(" INTERNALDATE \"")
                        .append(DATE.format(Instant.ofEpochSecond(1_760_000_000)))
                        .append("\" RFC822.SIZE ")
                        .append(mail.raw.length);
            }
            if (items.contains("BODY.PEEK[]")) {
                Matcher start = START.matcher(items);
                boolean part = start.find();
                byte[] shown = part
                        ? Arrays.copyOf(mail.raw, Math.min(mail.raw.length, Integer.parseInt(start.group(1))))
                        : mail.raw;
                answer.append(" BODY[]")
                        .append(part ? "<0>" : "")
                        .append(" {")
                        .append(shown.length)
                        .append("}\r\n");
                answer.append(new String(shown, StandardCharsets.ISO_8859_1));
            }
            answer.append(")\r\n");
        }
        return answer.toString();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        hangUp();
    }
}
