package org.postbus.gateway.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** An IMAP server that needs no login and answers commands with a script. */
final class ImapStub implements AutoCloseable {
    static final long UID_VALIDITY = 77;

    private final ServerSocket listening;
    private final String capabilities;
    private final Script script;
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final AtomicInteger open = new AtomicInteger();

    /** Writes the untagged answer and returns the rest of the tagged one, such as {@code OK done}. */
    interface Script {
        String answer(String command, OutputStream out) throws IOException;
    }

    ImapStub(Script script) throws IOException {
        this("IMAP4rev1", script);
    }

    ImapStub(String capabilities, Script script) throws IOException {
        this.capabilities = capabilities;
        this.script = script;
        this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Without their tags. */
    List<String> commands() {
        return commands;
    }

    int openConnections() {
        return open.get();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        open.incrementAndGet();
        try (socket) {
            OutputStream out = socket.getOutputStream();
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            write(out, "* PREAUTH [CAPABILITY " + capabilities + "] ready\r\n");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String tag = line.substring(0, line.indexOf(' '));
                String command = line.substring(tag.length() + 1);
                commands.add(command);
                String end;
                if (command.startsWith("EXAMINE")) {
                    write(out, "* 1 EXISTS\r\n* OK [UIDVALIDITY " + UID_VALIDITY + "] is\r\n");
                    end = "OK [READ-ONLY] done";
                } else {
                    end = script.answer(command, out);
                }
                write(out, tag + " " + end + "\r\n");
            }
        } catch (IOException e) {
            // The client has disconnected, or the script closes the connection.
        } finally {
            open.decrementAndGet();
        }
    }

    static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
