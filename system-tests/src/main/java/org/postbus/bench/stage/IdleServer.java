package org.postbus.bench.stage;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * An IMAP server over TLS without activity, in a process of its own: every login succeeds, and every user has the same mailboxes, which
 * never change: INBOX with a number of messages, the others empty. It implements the commands of a client that reads them once and waits: LIST
 * with STATUS, SELECT, UID FETCH, IDLE. It counts connections and logins.
 *
 * <p>Arguments: a PKCS12 keystore, its password and the number of messages. It prints its port first, and then for each line of standard input one line: the
 * number of open connections, the logins since the last such line, and the most of them within one second. It exits at the end of
 * standard input.
 */
final class IdleServer {
    private static final String CAPABILITIES =
            "IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE IDLE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE";
    private static final String STATUS = "(MESSAGES %d UIDNEXT %d UIDVALIDITY 1 UNSEEN 0 HIGHESTMODSEQ 1)";
    private static final String WITH_MESSAGES = "INBOX";
    private static final String[][] MAILBOXES = {
        {"INBOX", "\\HasNoChildren"},
        {"Drafts", "\\HasNoChildren \\Drafts"},
        {"Sent", "\\HasNoChildren \\Sent"},
        {"Junk", "\\HasNoChildren \\Junk"},
        {"Trash", "\\HasNoChildren \\Trash"},
        {"Archive", "\\HasNoChildren \\Archive"}
    };
    private static final String LINE = "A line of text as in any mail.\r\n";
    private static final int LINES = 60;
    private static final int BACKLOG = 4096;
    private static final int LINE_MAX = 8192;
    private static final long SECOND_NANOS = 1_000_000_000;

    private final SSLServerSocket listener;
    private final int messages;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentLinkedQueue<Long> logins = new ConcurrentLinkedQueue<>();

    private IdleServer(SSLServerSocket listener, int messages) {
        this.listener = listener;
        this.messages = messages;
    }

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        IdleServer server = new IdleServer(
                listener(Path.of(arguments[0]), arguments[1].toCharArray()), Integer.parseInt(arguments[2]));
        Thread.ofPlatform().daemon().start(server::accept);
        System.out.println(server.listener.getLocalPort());
        try (BufferedReader commands =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            while (commands.readLine() != null) {
                System.out.println(server.counts());
            }
        }
        System.exit(0);
    }

    private static SSLServerSocket listener(Path keystore, char[] password)
            throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keystore)) {
            store.load(in, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    }

    private String counts() {
        long[] times = new long[logins.size()];
        for (int i = 0; i < times.length; i++) {
            times[i] = logins.remove();
        }
        Arrays.sort(times);
        int most = 0;
        for (int last = 0, first = 0; last < times.length; last++) {
            while (times[last] - times[first] >= SECOND_NANOS) {
                first++;
            }
            most = Math.max(most, last - first + 1);
        }
        return open.get() + " " + times.length + " " + most;
    }

    private void accept() {
        while (true) {
            try {
                SSLSocket socket = (SSLSocket) listener.accept();
                socket.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                System.err.println("a connection could not be accepted: " + e);
            }
        }
    }

    private void serve(SSLSocket socket) {
        open.incrementAndGet();
        try (socket) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            send(out, "* OK [CAPABILITY " + CAPABILITIES + "] ready");
            String selected = "";
            for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
                selected = respond(line, selected, in, out);
            }
        } catch (IOException gone) {
            // A client has closed its connection.
        } finally {
            open.decrementAndGet();
        }
    }

    /** Returns the mailbox that is selected afterwards. */
    private String respond(String line, String selected, InputStream in, OutputStream out) throws IOException {
        String[] words = line.split(" ", 3);
        String tag = words[0];
        int exist = messagesIn(selected);
        switch (words[1].toUpperCase(Locale.ROOT)) {
            case "CAPABILITY" -> send(out, "* CAPABILITY " + CAPABILITIES, tag + " OK done");
            case "AUTHENTICATE", "LOGIN" -> {
                logins.add(System.nanoTime());
                send(out, tag + " OK [CAPABILITY " + CAPABILITIES + "] logged in");
            }
            case "ENABLE" -> send(out, "* ENABLED CONDSTORE", tag + " OK done");
            case "LIST" -> {
                StringBuilder response = new StringBuilder();
                for (String[] mailbox : MAILBOXES) {
                    response.append("* LIST (\\Subscribed ")
                            .append(mailbox[1])
                            .append(") \"/\" ")
                            .append(mailbox[0]);
                    response.append("\r\n* STATUS ")
                            .append(mailbox[0])
                            .append(' ')
                            .append(STATUS.formatted(messagesIn(mailbox[0]), messagesIn(mailbox[0]) + 1))
                            .append("\r\n");
                }
                send(out, response + tag + " OK done");
            }
            case "SELECT", "EXAMINE" -> {
                String name = words[2].split(" ", 2)[0].replace("\"", "");
                send(
                        out,
                        "* " + messagesIn(name) + " EXISTS",
                        "* FLAGS (\\Seen \\Flagged \\Deleted \\Draft \\Answered)",
                        "* OK [UIDVALIDITY 1] ok",
                        "* OK [UIDNEXT " + (messagesIn(name) + 1) + "] ok",
                        "* OK [HIGHESTMODSEQ 1] ok",
                        tag + " OK [READ-ONLY] done");
                return name;
            }
            case "IDLE" -> {
                send(out, "+ idling");
                if (readLine(in).equalsIgnoreCase("DONE")) {
                    send(out, tag + " OK done");
                }
            }
            case "NOOP" -> send(out, tag + " OK done");
            case "UNSELECT", "CLOSE" -> {
                send(out, tag + " OK done");
                return "";
            }
            case "UID" -> {
                if (words[2].toUpperCase(Locale.ROOT).startsWith("FETCH ")) {
                    fetch(words[2].substring("FETCH ".length()), exist, out);
                    send(out, tag + " OK done");
                } else {
                    StringBuilder found = new StringBuilder("* SEARCH");
                    IntStream.rangeClosed(1, exist)
                            .forEach(uid -> found.append(' ').append(uid));
                    send(out, found.toString(), tag + " OK done");
                }
            }
            case "LOGOUT" -> send(out, "* BYE", tag + " OK done");
            default -> send(out, tag + " BAD unknown");
        }
        return selected;
    }

    private int messagesIn(String mailbox) {
        return mailbox.equals(WITH_MESSAGES) ? messages : 0;
    }

    /** @param arguments a set and items; with CHANGEDSINCE nothing is sent, because nothing changes */
    private static void fetch(String arguments, int exist, OutputStream out) throws IOException {
        String[] setAndItems = arguments.split(" ", 2);
        if (setAndItems[1].contains("CHANGEDSINCE")) {
            return;
        }
        StringBuilder response = new StringBuilder();
        for (String range : setAndItems[0].split(",")) {
            String[] ends = range.replace("*", Integer.toString(exist)).split(":");
            int last = Math.min(exist, Integer.parseInt(ends[ends.length - 1]));
            for (int uid = Integer.parseInt(ends[0]); uid <= last; uid++) {
                response.append("* ")
                        .append(uid)
                        .append(" FETCH (UID ")
                        .append(uid)
                        .append(" FLAGS (\\Seen)");
                if (setAndItems[1].contains("MODSEQ")) {
                    response.append(" MODSEQ (1)");
                }
                if (setAndItems[1].contains("INTERNALDATE")) {
                    response.append(" INTERNALDATE \"01-Jan-2026 00:00:00 +0000\"");
                }
                String message = "From: Sender <sender@example.org>\r\nTo: user@example.com\r\nSubject: Message " + uid
                        + "\r\nMessage-ID: <idle-" + uid + "@example.org>\r\n\r\n" + LINE.repeat(LINES);
                if (setAndItems[1].contains("RFC822.SIZE")) {
                    response.append(" RFC822.SIZE ").append(message.length());
                }
                if (setAndItems[1].contains("BODY.PEEK[]")) {
                    response.append(" BODY[]<0> {")
                            .append(message.length())
                            .append("}\r\n")
                            .append(message);
                }
                response.append(")\r\n");
            }
        }
        out.write(response.toString().getBytes(StandardCharsets.US_ASCII));
    }

    private static void send(OutputStream out, String... lines) throws IOException {
        out.write((String.join("\r\n", lines) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    /** Empty at the end. It reads without a buffer, because of the number of connections. */
    private static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b >= 0 && b != '\n' && line.length() < LINE_MAX; b = in.read()) {
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }
}
