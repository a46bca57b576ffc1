package org.postbus.bench.floor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.postbus.bench.stage.MailServer;

/** A raw connection that does nothing but IDLE on one mailbox. */
public final class IdleListener implements AutoCloseable {
    private final Socket socket;
    private final BufferedReader in;
    private final NotificationTimes notices = new NotificationTimes();

    /** @param mailbox a name that needs no quoting */
    public IdleListener(MailServer server, String mailbox) {
        try {
            socket = new Socket(MailServer.HOST, server.imapPort());
            socket.setTcpNoDelay(true);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            await("* OK");
            say("a LOGIN \"" + server.user() + "\" \"" + server.password().reveal() + "\"");
            await("a OK");
            say("b SELECT " + mailbox);
            await("b OK");
            say("c IDLE");
            await("+");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().name("idle-" + mailbox).start(this::listen);
    }

    public NotificationTimes notices() {
        return notices;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void listen() {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.endsWith(" EXISTS")) {
                    notices.add(Instant.now());
                }
            }
        } catch (IOException e) {
            if (!socket.isClosed()) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void say(String line) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private void await(String beginning) throws IOException {
        String line = in.readLine();
        while (line != null && !line.startsWith(beginning)) {
            line = in.readLine();
        }
        if (line == null) {
            throw new IOException("connection closed by the server");
        }
    }
}
