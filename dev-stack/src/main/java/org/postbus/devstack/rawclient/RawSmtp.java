package org.postbus.devstack.rawclient;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Delivers messages over plain SMTP (RFC 5321) to a server on this machine, as another mail server does. */
public final class RawSmtp {
    private static final String HOST = "127.0.0.1";
    private static final int TIMEOUT_MILLIS = 30_000;

    private RawSmtp() {}

    /**
     * @param message with CRLF line ends
     * @throws IllegalStateException if the server refuses
     */
    public static void deliver(int port, String from, String to, String message) {
        try (Socket socket = new Socket(HOST, port)) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            OutputStream out = socket.getOutputStream();
            expect("220", in);
            send("EHLO localhost", out);
            expect("250", in);
            send("MAIL FROM:<" + from + ">", out);
            expect("250", in);
            send("RCPT TO:<" + to + ">", out);
            expect("250", in);
            send("DATA", out);
            expect("354", in);
            // RFC 5321 section 4.5.2: a leading dot is doubled.
            send(message.replace("\r\n.", "\r\n..") + "\r\n.", out);
            expect("250", in);
            send("QUIT", out);
        } catch (IOException e) {
            throw new UncheckedIOException("SMTP delivery to port " + port + " failed", e);
        }
    }

    private static void send(String line, OutputStream out) throws IOException {
        out.write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static void expect(String code, BufferedReader in) throws IOException {
        String line = in.readLine();
        while (line != null && line.startsWith(code + "-")) {
            line = in.readLine();
        }
        if (line == null || !line.startsWith(code)) {
            throw new IllegalStateException("the server responded " + line + ", expected " + code);
        }
    }
}
