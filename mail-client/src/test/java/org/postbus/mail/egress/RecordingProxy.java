package org.postbus.mail.egress;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A proxy, strict about what it is asked (RFC 9110 section 9.3.6; RFC 1928, 1929). It records the target, and leads every connection to one
 * server of the test in its place.
 */
final class RecordingProxy implements AutoCloseable {
    static final String USERNAME = "postbus";
    static final String PASSWORD = "proxy-secret";

    private final EgressProxy.Kind kind;
    private final int target;
    private final ServerSocket listening;
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<String> logins = new CopyOnWriteArrayList<>();

    /** @param target port on 127.0.0.1 */
    RecordingProxy(EgressProxy.Kind kind, int target) {
        this.kind = kind;
        this.target = target;
        try {
            listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(() -> {
            while (!listening.isClosed()) {
                try {
                    Socket client = listening.accept();
                    Thread.ofVirtual().start(() -> serve(client));
                } catch (IOException closed) {
                    return;
                }
            }
        });
    }

    /** Host and port of each connection, as they were written. */
    List<String> asked() {
        return List.copyOf(asked);
    }

    List<String> logins() {
        return List.copyOf(logins);
    }

    EgressProxy settings(Optional<EgressProxy.Login> login) {
        return new EgressProxy(kind, "localhost", listening.getLocalPort(), login);
    }

    private void serve(Socket client) {
        try (client) {
            switch (kind) {
                case HTTP_CONNECT -> connect(client);
                case SOCKS5 -> socks(client);
            }
            try (Socket server = new Socket("127.0.0.1", target)) {
                Thread back = Thread.ofVirtual().start(() -> copy(server, client));
                copy(client, server);
                back.join();
            }
        } catch (IOException gone) {
            // One of the two has closed the connection.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void connect(Socket client) throws IOException {
        InputStream in = client.getInputStream();
        String request = line(in);
        if (!request.matches("CONNECT \\S+ HTTP/1\\.1")) {
            throw new IOException("not CONNECT: " + request);
        }
        asked.add(request.split(" ")[1]);
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            if (header.regionMatches(true, 0, "proxy-authorization: Basic ", 0, 27)) {
                logins.add(new String(Base64.getDecoder().decode(header.substring(27)), StandardCharsets.UTF_8));
            }
        }
        write(client, "HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new IOException("ended");
            }
            if (octet != '\r') {
                line.append((char) octet);
            }
        }
        return line.toString();
    }

    private void socks(Socket client) throws IOException {
        DataInputStream in = new DataInputStream(client.getInputStream());
        expect(in.readByte(), 5);
        byte[] methods = in.readNBytes(in.readUnsignedByte());
        boolean login = new String(methods, StandardCharsets.ISO_8859_1).indexOf(2) >= 0;
        write(client, new byte[] {5, (byte) (login ? 2 : 0)});
        if (login) {
            expect(in.readByte(), 1);
            String username = new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.UTF_8);
            logins.add(username + ":" + new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.UTF_8));
            write(client, new byte[] {1, 0});
        }
        expect(in.readByte(), 5);
        expect(in.readByte(), 1);
        expect(in.readByte(), 0);
        String host =
                switch (in.readByte()) {
                    case 1 -> InetAddress.getByAddress(in.readNBytes(4)).getHostAddress();
                    case 4 -> InetAddress.getByAddress(in.readNBytes(16)).getHostAddress();
                    case 3 -> "name " + new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.US_ASCII);
                    default -> throw new IOException("no kind of address");
                };
        asked.add(host + ":" + in.readUnsignedShort());
        write(client, new byte[] {5, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    }

    private static void expect(int actual, int expected) throws IOException {
        if (actual != expected) {
            throw new IOException("not SOCKS5");
        }
    }

    private static void write(Socket socket, byte[] octets) throws IOException {
        socket.getOutputStream().write(octets);
        socket.getOutputStream().flush();
    }

    private static void copy(Socket from, Socket to) {
        try {
            OutputStream out = to.getOutputStream();
            from.getInputStream().transferTo(out);
            to.shutdownOutput();
        } catch (IOException gone) {
            // The other direction notices it, too.
        }
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
