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
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One plain IMAP connection as bytes: writes commands, reads complete responses with their literals. Text is Latin-1. */
final class ImapWire implements AutoCloseable {
    /** James may take seconds to respond on a busy machine, never this long. */
    private static final Duration RESPONSE_WAIT = Duration.ofSeconds(60);

    private static final Duration CONNECT_WAIT = Duration.ofSeconds(10);
    private static final int LITERAL_BYTES_MAX = 64 * 1024 * 1024;
    private static final Pattern LITERAL = Pattern.compile("\\{(\\d+)}$");

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    private ImapWire(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
        this.out = socket.getOutputStream();
    }

    /**
     * A complete response.
     *
     * @param tag {@code *}, {@code +} or the tag of a command
     * @param text the line after the tag, without literals
     * @param items the same as tokens (see {@link ImapTokens}); empty unless the tag is {@code *}
     */
    record Response(String tag, String text, List<Object> items) {}

    /** @throws UncheckedIOException if the connection is refused or not established within 10 s */
    static ImapWire connect(String host, int port) {
        try {
            Socket socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) RESPONSE_WAIT.toMillis());
            socket.connect(new InetSocketAddress(host, port), (int) CONNECT_WAIT.toMillis());
            return new ImapWire(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void send(String text) {
        send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    void send(byte[] bytes) {
        try {
            out.write(bytes);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @throws UncheckedIOException if the server closes the connection, or sends nothing for 60 s */
    Response read() {
        try {
            StringBuilder withoutLiterals = new StringBuilder();
            List<Object> pieces = new ArrayList<>();
            String line = readLine();
            for (Matcher literal = LITERAL.matcher(line); literal.find(); literal = LITERAL.matcher(line)) {
                pieces.add(line.substring(0, literal.start()));
                withoutLiterals.append(line, 0, literal.start());
                pieces.add(readLiteral(Integer.parseInt(literal.group(1))));
                line = readLine();
            }
            pieces.add(line);
            String all = withoutLiterals.append(line).toString();
            int space = all.indexOf(' ');
            String tag = space < 0 ? all : all.substring(0, space);
            String text = space < 0 ? "" : all.substring(space + 1);
            return new Response(tag, text, tag.equals("*") ? new ImapTokens(pieces).afterTag() : List.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ImapTokens.Literal readLiteral(int length) throws IOException {
        if (length > LITERAL_BYTES_MAX) {
            throw new IOException("a literal of " + length + " bytes");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("connection closed within a literal");
        }
        return new ImapTokens.Literal(bytes);
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
}
