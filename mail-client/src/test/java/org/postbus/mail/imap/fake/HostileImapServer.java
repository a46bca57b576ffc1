package org.postbus.mail.imap.fake;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;

/** Runs the behaviour that a test defines on each connection, until the client closes it. */
public final class HostileImapServer implements AutoCloseable {

    public interface Behaviour {
        void to(Victim victim) throws IOException, InterruptedException;
    }

    /** A connected client, as the server sees it. */
    public static final class Victim {
        private final Socket socket;
        private final InputStream in;
        private final OutputStream out;

        private Victim(Socket socket) throws IOException {
            this.socket = socket;
            this.in = socket.getInputStream();
            this.out = socket.getOutputStream();
        }

        public Victim say(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.ISO_8859_1));
            return this;
        }

        /** The next line of the client, without its end. */
        public String hear() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c == -1) {
                    throw new IOException("the client has hung up");
                }
                if (c != '\r') {
                    line.write(c);
                }
            }
            return line.toString(StandardCharsets.ISO_8859_1);
        }

        /** Reads octets that are no line. */
        public void skip(int octets) throws IOException {
            in.skipNBytes(octets);
        }

        /** Repeats it until the client closes the connection, or {@code times}. */
        public void repeat(String text, long times) throws IOException {
            StringBuilder some = new StringBuilder();
            long copies = Math.max(1, 65536 / Math.max(1, text.length()));
            for (long i = 0; i < copies; i++) {
                some.append(text);
            }
            byte[] octets = some.toString().getBytes(StandardCharsets.ISO_8859_1);
            long left = times;
            while (left >= copies) {
                out.write(octets);
                left -= copies;
            }
            out.write(octets, 0, (int) left * text.length());
        }

        public void drip(String text, long pauseMillis) throws IOException, InterruptedException {
            while (true) {
                for (byte octet : text.getBytes(StandardCharsets.ISO_8859_1)) {
                    out.write(octet);
                    Thread.sleep(pauseMillis);
                }
            }
        }

        public void refuseEverything() throws IOException {
            while (true) {
                String command = hear();
                say(command.substring(0, command.indexOf(' ')) + " NO not this one\r\n");
            }
        }

        public void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        public OutputStream out() {
            return out;
        }
    }

    private final ServerSocket listening;

    private HostileImapServer(Behaviour behaviour) {
        try {
            listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(() -> {
            while (!listening.isClosed()) {
                accept(behaviour);
            }
        });
    }

    public static HostileImapServer that(Behaviour behaviour) {
        return new HostileImapServer(behaviour);
    }

    private void accept(Behaviour behaviour) {
        try {
            Socket socket = listening.accept();
            Thread.ofVirtual().start(() -> {
                try (socket) {
                    behaviour.to(new Victim(socket));
                    socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                } catch (IOException hungUp) {
                    // Expected: the client has closed the connection.
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        } catch (IOException closed) {
            // The test is over.
        }
    }

    public ServerAddress address(TlsMode tls) {
        return new ServerAddress("localhost", listening.getLocalPort(), tls);
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
