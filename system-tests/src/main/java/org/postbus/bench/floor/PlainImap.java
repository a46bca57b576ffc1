package org.postbus.bench.floor;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.postbus.bench.stage.MailServer;

/** An IMAP connection that sends lines and compares the beginnings of lines, and parses nothing. Not for responses with literals. */
public final class PlainImap implements AutoCloseable {
    private static final String TAG = "f";
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Socket socket;
    private final BufferedReader in;
    private final OutputStream out;

    private PlainImap(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
        this.out = new BufferedOutputStream(socket.getOutputStream(), BUFFER_BYTES);
    }

    public static PlainImap logIn(MailServer server) {
        try {
            Socket socket = new Socket(MailServer.HOST, server.imapPort());
            socket.setTcpNoDelay(true);
            PlainImap imap = new PlainImap(socket);
            imap.awaitLine("* OK");
            imap.command(
                    "LOGIN \"" + server.user() + "\" \"" + server.password().reveal() + "\"");
            return imap;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends a command and reads until its completion. */
    public void command(String command) {
        begin(command);
        end();
    }

    /** Sends the first part of a command, without the line's end; more may follow by {@link #write}. */
    public void begin(String command) {
        write((TAG + " " + command).getBytes(StandardCharsets.US_ASCII));
    }

    public void write(byte[] bytes) {
        try {
            out.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the command's line and reads until its completion. */
    public void end() {
        endLine();
        String line = readLine();
        while (!line.startsWith(TAG + " ")) {
            line = readLine();
        }
        if (!line.startsWith(TAG + " OK")) {
            throw new UncheckedIOException(new IOException("refused: " + line));
        }
    }

    /** Sends a command and reads until the server's continuation request (RFC 2177: IDLE has begun). */
    void idle() {
        begin("IDLE");
        endLine();
        awaitLine("+");
    }

    /** The next line; throws once the connection is closed. */
    String readLine() {
        try {
            String line = in.readLine();
            if (line == null) {
                throw new IOException("connection closed by the server");
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isClosed() {
        return socket.isClosed();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitLine(String beginning) {
        String line = readLine();
        while (!line.startsWith(beginning)) {
            line = readLine();
        }
    }

    private void endLine() {
        write(new byte[] {'\r', '\n'});
        try {
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
