package org.postbus.bench.idle;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.postbus.bench.options.Arguments;

/**
 * An IMAP server over TLS on which nothing ever happens, in a process of its own: everybody may log in and has the same few empty
 * mailboxes. It knows what a client asks that waits: LIST with STATUS, SELECT, IDLE. It counts connections and logins.
 *
 * <p>Arguments: a PKCS12 keystore and its password. The first line it prints is its port. To each line on its standard input it
 * answers with one: the connections that are open, the logins since the last line, and the most of them within one second. It ends
 * with its standard input.
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
    private static final int WAITING_MAX = 4096;
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
                System.out.println(server.told());
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
        return (SSLServerSocket) context.getServerSocketFactory()
                .createServerSocket(0, WAITING_MAX, java.net.InetAddress.getLoopbackAddress());
    }

    private String told() {
        long[] times = new long[logins.size()];
        for (int i = 0; i < times.length; i++) {
            times[i] = logins.remove();
        }
        java.util.Arrays.sort(times);
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
                System.err.println("a connection was not taken: " + e);
            }
        }
    }

    private void serve(SSLSocket socket) {
        open.incrementAndGet();
        try (socket) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            say(out, "* OK [CAPABILITY " + CAPABILITIES + "] ready");
            for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
                answer(line, in, out);
            }
        } catch (IOException gone) {
            // Clients come and go; that is counted.
        } finally {
            open.decrementAndGet();
        }
    }

    private void answer(String line, InputStream in, OutputStream out) throws IOException {
        String[] words = line.split(" ", 3);
        String tag = words[0];
        switch (words[1].toUpperCase(Locale.ROOT)) {
            case "CAPABILITY" -> say(out, "* CAPABILITY " + CAPABILITIES, tag + " OK done");
            case "AUTHENTICATE", "LOGIN" -> {
                logins.add(System.nanoTime());
                say(out, tag + " OK [CAPABILITY " + CAPABILITIES + "] logged in");
            }
            case "ENABLE" -> say(out, "* ENABLED CONDSTORE", tag + " OK done");
            case "LIST" -> {
                StringBuilder answer = new StringBuilder();
                for (String[] mailbox : MAILBOXES) {
                    answer.append("* LIST (\\Subscribed ")
                            .append(mailbox[1])
                            .append(") \"/\" ")
                            .append(mailbox[0]);
                    answer.append("\r\n* STATUS ")
                            .append(mailbox[0])
                            .append(' ')
                            .append(STATUS)
                            .append("\r\n");
                }
                say(out, answer + tag + " OK done");
            }
            case "SELECT", "EXAMINE" ->
                say(
                        out,
                        "* 0 EXISTS",
                        "* FLAGS (\\Seen \\Flagged \\Deleted \\Draft \\Answered)",
                        "* OK [UIDVALIDITY 1] ok",
                        "* OK [UIDNEXT 1] ok",
                        "* OK [HIGHESTMODSEQ 1] ok",
                        tag + " OK [READ-ONLY] done");
            case "IDLE" -> {
                say(out, "+ idling");
                if (readLine(in).equalsIgnoreCase("DONE")) {
                    say(out, tag + " OK done");
                }
            }
            case "NOOP", "UNSELECT", "CLOSE" -> say(out, tag + " OK done");
            case "UID" -> say(out, "* SEARCH", tag + " OK done");
            case "LOGOUT" -> say(out, "* BYE", tag + " OK done");
            default -> say(out, tag + " BAD unknown");
        }
    }

    private static void say(OutputStream out, String... lines) throws IOException {
        out.write((String.join("\r\n", lines) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    /** "" at the end. Without a buffer of its own: there are very many. */
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
