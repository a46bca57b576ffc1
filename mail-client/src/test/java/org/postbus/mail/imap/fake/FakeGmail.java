package org.postbus.mail.imap.fake;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Gmail in memory, as far as its behaviour is known: a message is in All Mail, Spam or the Trash, and all other
 * mailboxes show the messages with their label. Mailboxes have German names. It knows the commands that Postbus sends,
 * over plain TCP, and accepts every login.
 *
 * <p>Deleting outside of Spam and the Trash removes the label only. COPYUID names its targets in no particular order.
 */
public final class FakeGmail implements AutoCloseable {
    public static final String ALL_MAIL = "[Gmail]/Alle Nachrichten";
    public static final String TRASH = "[Gmail]/Papierkorb";
    public static final String SPAM = "[Gmail]/Spam";

    private static final String CAPABILITIES =
            "IMAP4rev1 UNSELECT IDLE NAMESPACE CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH"
                    + " LIST-EXTENDED LIST-STATUS SPECIAL-USE";
    private static final Pattern CHANGED_SINCE = Pattern.compile("CHANGEDSINCE (\\d+)");
    private static final Pattern UNCHANGED_SINCE = Pattern.compile("UNCHANGEDSINCE (\\d+)");
    private static final Pattern WORD = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"|[^ ()\"]+");

    private final ServerSocket listening;
    private final List<Session> sessions = new CopyOnWriteArrayList<>();
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final Map<Long, Mail> mails = new TreeMap<>();
    private final Map<String, Mailbox> mailboxes = new LinkedHashMap<>();
    private long nextId = 1_278_455_344_230_334_865L;
    private long modSeq = 5000;
    private long uidValidity = 1;
    private boolean labelsHaveModSeqs = true;

    private static final class Mail {
        final long id;
        final long thread;
        final byte[] raw;
        final String messageId;
        final Set<String> flags = new TreeSet<>();
        final Set<String> labels = new TreeSet<>();
        GmailContainer container = GmailContainer.ALL_MAIL;
        long modSeq;

        Mail(long id, long thread, String messageId, byte[] raw) {
            this.id = id;
            this.thread = thread;
            this.messageId = messageId;
            this.raw = raw;
        }

        /** Two of them are flags. */
        Set<String> allLabels() {
            Set<String> all = new TreeSet<>(labels);
            if (flags.contains("\\Flagged")) {
                all.add("\\Starred");
            }
            if (flags.contains("\\Draft")) {
                all.add("\\Draft");
            }
            return all;
        }
    }

    private static final class Mailbox {
        final String attributes;
        final GmailContainer container;
        final long uidValidity;
        final NavigableMap<Long, Mail> mails = new TreeMap<>();
        /** Empty for All Mail, Spam and the Trash. */
        String label;

        boolean shown = true;
        long uidNext = 1;
        long highest = 1;

        Mailbox(String attributes, GmailContainer container, String label, long uidValidity) {
            this.attributes = attributes;
            this.container = container;
            this.label = label;
            this.uidValidity = uidValidity;
        }

        boolean shows(Mail mail) {
            return mail.container == container
                    && (label.isEmpty() || mail.allLabels().contains(label));
        }

        boolean isAllMail() {
            return label.isEmpty() && container == GmailContainer.ALL_MAIL;
        }
    }

    private final class Session {
        final Socket socket;
        final OutputStream out;
        String selected = "";
        boolean idling;

        Session(Socket socket) throws IOException {
            this.socket = socket;
            this.out = socket.getOutputStream();
        }

        synchronized void say(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }

        Mailbox mailbox() {
            return mailboxes.get(selected);
        }
    }

    public FakeGmail() {
        mailboxes.put("INBOX", container("\\HasNoChildren", GmailContainer.ALL_MAIL, "\\Inbox"));
        mailboxes.put(ALL_MAIL, container("\\HasNoChildren \\All", GmailContainer.ALL_MAIL, ""));
        mailboxes.put(SPAM, container("\\HasNoChildren \\Junk", GmailContainer.SPAM, ""));
        mailboxes.put(TRASH, container("\\HasNoChildren \\Trash", GmailContainer.TRASH, ""));
        mailboxes.put("[Gmail]/Gesendet", container("\\HasNoChildren \\Sent", GmailContainer.ALL_MAIL, "\\Sent"));
        mailboxes.put(
                "[Gmail]/Entw&APw-rfe", container("\\HasNoChildren \\Drafts", GmailContainer.ALL_MAIL, "\\Draft"));
        mailboxes.put("[Gmail]/Markiert", container("\\HasNoChildren \\Flagged", GmailContainer.ALL_MAIL, "\\Starred"));
        mailboxes.put(
                "[Gmail]/Wichtig", container("\\HasNoChildren \\Important", GmailContainer.ALL_MAIL, "\\Important"));
        try {
            listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
            Thread.ofVirtual().start(this::accept);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Mailbox container(String attributes, GmailContainer container, String label) {
        return new Mailbox(attributes, container, label, ++uidValidity);
    }

    public int port() {
        return listening.getLocalPort();
    }

    // ---- changes in the web interface

    /** @return its X-GM-MSGID */
    public synchronized long deliver(String messageId, String... labels) {
        return deliver(GmailContainer.ALL_MAIL, messageId, labels);
    }

    public synchronized long deliver(GmailContainer container, String messageId, String... labels) {
        long id = nextId++;
        String raw =
                "Message-ID: <" + messageId + ">\r\nFrom: a@example.org\r\nSubject: " + messageId + "\r\n\r\ntext\r\n";
        Mail mail = new Mail(id, id, messageId, raw.getBytes(StandardCharsets.US_ASCII));
        mail.labels.addAll(Arrays.asList(labels));
        mail.container = container;
        mail.modSeq = ++modSeq;
        mails.put(id, mail);
        show(mail);
        return id;
    }

    /** @param label a system label with its backslash, or a mailbox's raw name */
    public synchronized void label(long id, String label, boolean set) {
        Mail mail = mails.get(id);
        if (set ? mail.labels.add(label) : mail.labels.remove(label)) {
            if (labelsHaveModSeqs) {
                touch(mail);
            }
            show(mail);
        }
    }

    public synchronized void flag(long id, String flag, boolean set) {
        Mail mail = mails.get(id);
        if (set ? mail.flags.add(flag) : mail.flags.remove(flag)) {
            touch(mail);
            show(mail);
        }
    }

    /**
     * A message that is moved to the Trash or to Spam leaves the inbox and keeps its other labels, which are hidden
     * there.
     */
    public synchronized void move(long id, GmailContainer to) {
        Mail mail = mails.get(id);
        if (mail.container != to) {
            if (to != GmailContainer.ALL_MAIL) {
                mail.labels.remove("\\Inbox");
            }
            mail.container = to;
            mail.modSeq = ++modSeq;
            show(mail);
        }
    }

    public synchronized void destroy(long id) {
        Mail mail = mails.remove(id);
        mailboxes.values().forEach(mailbox -> {
            if (mailbox.mails.values().remove(mail)) {
                mailbox.highest = ++modSeq;
            }
        });
    }

    public synchronized void createLabel(String rawName) {
        mailboxes.put(rawName, container("\\HasNoChildren", GmailContainer.ALL_MAIL, rawName));
    }

    /** Only the name: messages, UIDs and mod-sequences stay. */
    public synchronized void renameLabel(String from, String to) {
        Mailbox mailbox = mailboxes.remove(from);
        mailbox.label = to;
        mailboxes.put(to, mailbox);
        mails.values().stream().filter(mail -> mail.labels.remove(from)).forEach(mail -> mail.labels.add(to));
    }

    public synchronized void deleteLabel(String rawName) {
        mailboxes.remove(rawName);
        mails.values().forEach(mail -> {
            if (mail.labels.remove(rawName) && labelsHaveModSeqs) {
                touch(mail);
            }
        });
    }

    /** The setting «Show in IMAP». */
    public synchronized void showInImap(String mailbox, boolean shown) {
        mailboxes.get(mailbox).shown = shown;
    }

    /** Whether a message of All Mail gets a new mod-sequence when its labels change. */
    public synchronized void labelsHaveModSeqs(boolean they) {
        labelsHaveModSeqs = they;
    }

    public synchronized List<Long> ids() {
        return List.copyOf(mails.keySet());
    }

    public synchronized GmailContainer containerOf(long id) {
        return mails.get(id).container;
    }

    public synchronized Set<String> labelsOf(long id) {
        return Set.copyOf(mails.get(id).allLabels());
    }

    public synchronized boolean has(long id) {
        return mails.containsKey(id);
    }

    /** The messages of each mailbox, by its raw name: Message-IDs and flags. */
    public synchronized Map<String, Map<String, Set<String>>> content() {
        Map<String, Map<String, Set<String>>> content = new TreeMap<>();
        mailboxes.forEach((name, mailbox) -> {
            if (mailbox.shown) {
                content.put(
                        name,
                        mailbox.mails.values().stream()
                                .collect(Collectors.toMap(mail -> mail.messageId, mail -> Set.copyOf(mail.flags))));
            }
        });
        return content;
    }

    /** The raw names of the mailboxes that show the message, in order. */
    public synchronized List<String> mailboxesOf(long id) {
        return mailboxes.entrySet().stream()
                .filter(mailbox ->
                        mailbox.getValue().shown && mailbox.getValue().mails.containsValue(mails.get(id)))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    public synchronized Set<String> flagsOf(long id) {
        return Set.copyOf(mails.get(id).flags);
    }

    public synchronized long uidIn(String mailbox, long id) {
        return Long.parseLong(uidOf(mailboxes.get(mailbox), mails.get(id)));
    }

    public synchronized long uidValidityOf(String mailbox) {
        return mailboxes.get(mailbox).uidValidity;
    }

    /** All commands since the last call, without their tags. */
    public List<String> heard() {
        List<String> heard = List.copyOf(commands);
        commands.removeAll(heard);
        return heard;
    }

    public void hangUp() {
        sessions.forEach(session -> {
            try {
                session.socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private void touch(Mail mail) {
        mail.modSeq = ++modSeq;
        for (Mailbox mailbox : mailboxes.values()) {
            if (mailbox.mails.containsValue(mail)) {
                mailbox.highest = modSeq;
            }
        }
    }

    /** Assigns a UID in each mailbox that shows the message now, and removes it from the others. */
    private void show(Mail mail) {
        mailboxes.forEach((name, mailbox) -> {
            boolean was = mailbox.mails.containsValue(mail);
            boolean is = mailbox.shows(mail);
            if (is && !was) {
                mailbox.mails.put(mailbox.uidNext++, mail);
            } else if (was && !is) {
                mailbox.mails.values().remove(mail);
            }
            if (is != was) {
                mailbox.highest = ++modSeq;
                reportExists(name, mailbox);
            }
        });
    }

    private void reportExists(String name, Mailbox mailbox) {
        for (Session session : sessions) {
            if (session.idling && session.selected.equals(name)) {
                try {
                    session.say("* " + mailbox.mails.size() + " EXISTS\r\n");
                } catch (IOException gone) {
                    sessions.remove(session);
                }
            }
        }
    }

    // ---- IMAP

    private void accept() {
        try {
            while (true) {
                Socket socket = listening.accept();
                Thread.ofVirtual().start(() -> talk(socket));
            }
        } catch (IOException closed) {
            hangUp();
        }
    }

    private void talk(Socket socket) {
        try (socket) {
            Session session = new Session(socket);
            sessions.add(session);
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            session.say("* OK Gimap ready for requests\r\n");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String tag = line.substring(0, Math.max(0, line.indexOf(' ')));
                String command = line.substring(line.indexOf(' ') + 1);
                commands.add(command.startsWith("LOGIN") ? "LOGIN" : command);
                if (command.equals("IDLE")) {
                    session.idling = true;
                    session.say("+ idling\r\n");
                    in.readLine();
                    session.idling = false;
                    session.say(tag + " OK IDLE terminated (Success)\r\n");
                } else {
                    session.say(answer(session, command).replace("TAG", tag));
                }
            }
            sessions.remove(session);
        } catch (IOException broken) {
            sessions.removeIf(session -> session.socket == socket);
        }
    }

    private synchronized String answer(Session session, String command) {
        String verb = command.split(" ")[0].toUpperCase(Locale.ROOT);
        return switch (verb) {
            case "CAPABILITY" -> "* CAPABILITY " + CAPABILITIES + "\r\nTAG OK Thats all she wrote!\r\n";
            case "LOGIN" -> "* CAPABILITY " + CAPABILITIES + "\r\nTAG OK authenticated (Success)\r\n";
            case "ENABLE" -> "* ENABLED CONDSTORE\r\nTAG OK Success\r\n";
            case "NOOP" -> "TAG OK Success\r\n";
            case "LIST" -> list(command);
            case "SELECT", "EXAMINE" -> select(session, command, verb.equals("SELECT"));
            case "UNSELECT" -> {
                session.selected = "";
                yield "TAG OK Returned to authenticated state. (Success)\r\n";
            }
            case "UID" -> uid(session, command.substring(4));
            case "LOGOUT" -> "* BYE LOGOUT Requested\r\nTAG OK 73 good day (Success)\r\n";
            default -> "TAG BAD Unknown command\r\n";
        };
    }

    private String list(String command) {
        StringBuilder answer = new StringBuilder("* LIST (\\HasChildren \\Noselect) \"/\" \"[Gmail]\"\r\n");
        mailboxes.forEach((name, mailbox) -> {
            if (!mailbox.shown) {
                return;
            }
            answer.append("* LIST (" + mailbox.attributes + ") \"/\" \"" + name + "\"\r\n");
            if (command.contains("STATUS (")) {
                long unseen = mailbox.mails.values().stream()
                        .filter(mail -> !mail.flags.contains("\\Seen"))
                        .count();
                answer.append("* STATUS \"" + name + "\" (MESSAGES " + mailbox.mails.size() + " UIDNEXT "
                        + mailbox.uidNext + " UIDVALIDITY " + mailbox.uidValidity + " UNSEEN " + unseen
                        + " HIGHESTMODSEQ " + mailbox.highest + ")\r\n");
            }
        });
        return answer + "TAG OK Success\r\n";
    }

    private String select(Session session, String command, boolean forWriting) {
        String name = words(command).get(1);
        Mailbox mailbox = mailboxes.get(name);
        if (mailbox == null || !mailbox.shown) {
            session.selected = "";
            return "TAG NO [NONEXISTENT] Unknown Mailbox: " + name + " (Failure)\r\n";
        }
        session.selected = name;
        return "* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen $Forwarded)\r\n"
                + "* OK [PERMANENTFLAGS (" + (forWriting ? "\\Answered \\Flagged \\Draft \\Deleted \\Seen \\*" : "")
                + ")] Flags permitted.\r\n* OK [UIDVALIDITY " + mailbox.uidValidity + "] UIDs valid.\r\n* "
                + mailbox.mails.size() + " EXISTS\r\n* 0 RECENT\r\n* OK [UIDNEXT " + mailbox.uidNext
                + "] Predicted next UID.\r\n* OK [HIGHESTMODSEQ " + mailbox.highest + "]\r\nTAG OK ["
                + (forWriting ? "READ-WRITE" : "READ-ONLY") + "] " + name + " selected. (Success)\r\n";
    }

    private String uid(Session session, String command) {
        Mailbox mailbox = session.mailbox();
        if (mailbox == null) {
            return "TAG BAD not now\r\n";
        }
        String[] parts = command.split(" ", 3);
        return switch (parts[0]) {
            case "SEARCH" -> search(mailbox, command);
            case "FETCH" -> fetch(mailbox, within(parts[1], mailbox), parts[2]);
            case "STORE" -> store(mailbox, within(parts[1], mailbox), parts[2]);
            case "MOVE" ->
                move(mailbox, uidsIn(mailbox, parts[1]), words(parts[2]).getFirst());
            case "EXPUNGE" -> expunge(mailbox, uidsIn(mailbox, parts[1]));
            default -> "TAG BAD Unknown command\r\n";
        };
    }

    private String search(Mailbox mailbox, String command) {
        String all = mailbox.mails.keySet().stream().map(String::valueOf).collect(Collectors.joining(","));
        if (!command.endsWith("ALL")) {
            return "TAG BAD Could not parse command\r\n";
        }
        return "* ESEARCH (TAG \"TAG\") UID" + (all.isEmpty() ? "" : " ALL " + all) + "\r\nTAG OK SEARCH completed\r\n";
    }

    private static String fetch(Mailbox mailbox, LongPredicate wanted, String items) {
        Matcher changedSince = CHANGED_SINCE.matcher(items);
        long since = changedSince.find() ? Long.parseLong(changedSince.group(1)) : 0;
        StringBuilder answer = new StringBuilder();
        int sequence = 0;
        for (Map.Entry<Long, Mail> entry : mailbox.mails.entrySet()) {
            sequence++;
            Mail mail = entry.getValue();
            if (!wanted.test(entry.getKey()) || mail.modSeq <= since) {
                continue;
            }
            answer.append("* " + sequence + " FETCH (");
            if (items.contains("X-GM-THRID")) {
                answer.append("X-GM-THRID " + mail.thread + " ");
            }
            if (items.contains("X-GM-MSGID")) {
                answer.append("X-GM-MSGID " + mail.id + " ");
            }
            if (items.contains("X-GM-LABELS")) {
                answer.append("X-GM-LABELS (" + labels(mail, mailbox) + ") ");
            }
            answer.append("UID " + entry.getKey());
            if (items.contains("MODSEQ")) {
                answer.append(" MODSEQ (" + mail.modSeq + ")");
            }
            if (items.contains("FLAGS")) {
                answer.append(" FLAGS (" + String.join(" ", mail.flags) + ")");
            }
            if (items.contains("RFC822.SIZE")) {
                answer.append(" RFC822.SIZE " + mail.raw.length);
            }
            if (items.contains("INTERNALDATE")) {
                answer.append(" INTERNALDATE \"02-Jan-2026 10:00:00 +0000\"");
            }
            if (items.contains("BODY.PEEK[]")) {
                answer.append(" BODY[]" + (items.contains("<0.") ? "<0>" : "") + " {" + mail.raw.length + "}\r\n"
                        + new String(mail.raw, StandardCharsets.ISO_8859_1));
            }
            answer.append(")\r\n");
        }
        return answer + "TAG OK Success\r\n";
    }

    /**
     * All labels except that of the selected mailbox; system labels quoted with a doubled backslash, others as
     * required.
     */
    private static String labels(Mail mail, Mailbox open) {
        return mail.allLabels().stream()
                .filter(label -> !label.equals(open.label))
                .map(label -> label.startsWith("\\")
                        ? "\"\\" + label + "\""
                        : label.matches("[A-Za-z0-9]+") ? label : "\"" + label.replace("\"", "\\\"") + "\"")
                .collect(Collectors.joining(" "));
    }

    private String store(Mailbox mailbox, LongPredicate wanted, String change) {
        Matcher unchangedSince = UNCHANGED_SINCE.matcher(change);
        long until = unchangedSince.find() ? Long.parseLong(unchangedSince.group(1)) : Long.MAX_VALUE;
        boolean set = change.contains("+");
        boolean labels = change.contains("X-GM-LABELS");
        List<String> names =
                words(change.substring(Math.max(change.indexOf("LABELS ("), change.indexOf("SILENT (")) + 8));
        List<Long> modified = new ArrayList<>();
        for (Map.Entry<Long, Mail> entry : Map.copyOf(mailbox.mails).entrySet()) {
            if (!wanted.test(entry.getKey())) {
                continue;
            }
            if (entry.getValue().modSeq > until) {
                modified.add(entry.getKey());
                continue;
            }
            for (String name : names) {
                storeOne(entry.getValue(), labels ? "label" : "flag", name, set);
            }
        }
        return "TAG OK "
                + (modified.isEmpty()
                        ? ""
                        : "[MODIFIED " + modified.stream().map(String::valueOf).collect(Collectors.joining(",")) + "] ")
                + "Success\r\n";
    }

    private void storeOne(Mail mail, String what, String name, boolean set) {
        switch (what + name) {
            case "label\\Starred" -> flag(mail.id, "\\Flagged", set);
            // Gmail answers OK and keeps them.
            case "label\\Sent", "label\\Draft" -> {}
            default -> {
                if (what.equals("flag")) {
                    flag(mail.id, name, set);
                } else {
                    label(mail.id, name, set);
                }
            }
        }
    }

    private String move(Mailbox from, List<Long> uids, String target) {
        Mailbox to = mailboxes.get(target);
        if (to == null || !to.shown) {
            return "TAG NO [TRYCREATE] No folder " + target + " (Failure)\r\n";
        }
        List<Mail> moved = uids.stream().map(from.mails::get).toList();
        for (Mail mail : moved.reversed()) {
            move(mail.id, to.container);
            if (!to.label.isEmpty()) {
                label(mail.id, to.label, true);
            }
            if (!from.label.isEmpty() && from != to) {
                label(mail.id, from.label, false);
            }
        }
        String targets = moved.stream().map(mail -> uidOf(to, mail)).collect(Collectors.joining(","));
        String sources = uids.stream().map(String::valueOf).collect(Collectors.joining(","));
        return "TAG OK " + (uids.isEmpty() ? "" : "[COPYUID " + to.uidValidity + " " + sources + " " + targets + "] ")
                + "(Success)\r\n";
    }

    private static String uidOf(Mailbox mailbox, Mail mail) {
        return mailbox.mails.entrySet().stream()
                .filter(entry -> entry.getValue() == mail)
                .map(entry -> entry.getKey().toString())
                .findFirst()
                .orElseThrow();
    }

    private String expunge(Mailbox mailbox, List<Long> uids) {
        for (long uid : uids) {
            Mail mail = mailbox.mails.get(uid);
            if (!mail.flags.contains("\\Deleted")) {
                continue;
            }
            if (mail.container == GmailContainer.ALL_MAIL) {
                mail.flags.remove("\\Deleted");
                label(mail.id, mailbox.label, false);
            } else {
                destroy(mail.id);
            }
        }
        return "TAG OK Success\r\n";
    }

    private static List<Long> uidsIn(Mailbox mailbox, String set) {
        return mailbox.mails.keySet().stream()
                .filter(within(set, mailbox)::test)
                .toList();
    }

    private static LongPredicate within(String set, Mailbox mailbox) {
        long newest = mailbox.mails.isEmpty() ? 0 : mailbox.mails.lastKey();
        return uid -> Arrays.stream(set.split(",")).anyMatch(range -> {
            String[] ends = range.replace("*", String.valueOf(newest)).split(":");
            long first = Long.parseLong(ends[0]);
            long last = Long.parseLong(ends[ends.length - 1]);
            return Math.min(first, last) <= uid && uid <= Math.max(first, last);
        });
    }

    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group(1) != null ? matcher.group(1).replaceAll("\\\\(.)", "$1") : matcher.group());
        }
        return words;
    }

    /** The keyword of a flag. */
    public static Set<String> keywords(Collection<String> flags) {
        return flags.stream()
                .filter(flag -> !flag.equals("\\Deleted"))
                .map(flag -> flag.toLowerCase(Locale.ROOT).replace('\\', '$'))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public void close() throws IOException {
        listening.close();
        hangUp();
    }
}
