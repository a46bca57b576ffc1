package org.postbus.bench.idle;

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
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * An IMAP server over TLS without activity, in a process of its own: every login succeeds, and every user has the same empty mailboxes.
 * It implements the commands of a waiting client: LIST with STATUS, SELECT, IDLE. It counts connections and logins.
 *
 * <p>Arguments: a PKCS12 keystore and its password. It prints its port first, and then for each line of standard input one line: the
 * number of open connections, the logins since the last such line, and the most of them within one second. It exits at the end of
 * standard input.
 */
final class IdleServer {
    private static final String CAPABILITIES =
            "IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE IDLE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE";
    private static final String STATUS = "(MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1 UNSEEN 0 HIGHESTMODSEQ 1)";
    private static final String[][] MAILBOXES = {
        {"INBOX", "\\HasNoChildren"},
        {"Drafts", "\\HasNoChildren \\Drafts"},
        {"Sent", "\\HasNoChildren \\Sent"},
        {"Junk", "\\HasNoChildren \\Junk"},
        {"Trash", "\\HasNoChildren \\Trash"},
        {"Archive", "\\HasNoChildren \\Archive"}
    };
    private static final int BACKLOG = 4096;
    private static final int LINE_MAX = 8192;
    private static final long SECOND_NANOS = 1_000_000_000;

    private final SSLServerSocket listener;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentLinkedQueue<Long> logins = new ConcurrentLinkedQueue<>();

    private IdleServer(SSLServerSocket listener) {
        this.listener = listener;
    }

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        IdleServer server = new IdleServer(listener(Path.of(arguments[0]), arguments[1].toCharArray()));
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
            for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
                respond(line, in, out);
            }
        } catch (IOException gone) {
            // A client has closed its connection.
        } finally {
            open.decrementAndGet();
        }
    }

    private void respond(String line, InputStream in, OutputStream out) throws IOException {
        String[] words = line.split(" ", 3);
        String tag = words[0];
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
                            .append(STATUS)
                            .append("\r\n");
                }
                send(out, response + tag + " OK done");
            }
            case "SELECT", "EXAMINE" ->
                send(
                        out,
                        "* 0 EXISTS",
                        "* FLAGS (\\Seen \\Flagged \\Deleted \\Draft \\Answered)",
                        "* OK [UIDVALIDITY 1] ok",
                        "* OK [UIDNEXT 1] ok",
                        "* OK [HIGHESTMODSEQ 1] ok",
                        tag + " OK [READ-ONLY] done");
            case "IDLE" -> {
                send(out, "+ idling");
                if (readLine(in).equalsIgnoreCase("DONE")) {
                    send(out, tag + " OK done");
                }
            }
            case "NOOP", "UNSELECT", "CLOSE" -> send(out, tag + " OK done");
            case "UID" -> send(out, "* SEARCH", tag + " OK done");
            case "LOGOUT" -> send(out, "* BYE", tag + " OK done");
            default -> send(out, tag + " BAD unknown");
        }
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
