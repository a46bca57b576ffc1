package org.postbus.bench.tenants;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Mail servers that are dead or hostile, each on an address of its own (127.0.1.1 and following), so that it is a host of its own. */
final class HostileServers implements AutoCloseable {
    private static final byte[] CHUNK = "x".repeat(16 * 1024).getBytes(StandardCharsets.US_ASCII);
    private static final String GREETING = "* OK [CAPABILITY IMAP4rev1] ready\r\n";

    private final List<ServerSocket> listeners = new ArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final AtomicLong connections = new AtomicLong();
    private final List<Address> addresses = new ArrayList<>();

    /** Where a server is. */
    record Address(String host, int port) {}

    private enum Behaviour {
        /** Nobody listens. */
        CLOSED_PORT,
        CLOSES_AT_ONCE,
        SAYS_NOTHING,
        /** A greeting without an end. */
        ENDLESS_GREETING,
        REFUSES_LOGIN,
        /** Accepts the login and then says nothing. */
        STALLS,
        /** Accepts the login and answers each command with a literal of 1 GiB. */
        HUGE_LITERAL,
        /** Accepts the login and answers each command with responses without an end. */
        ENDLESS_RESPONSES
    }

    static HostileServers start(int count) {
        HostileServers servers = new HostileServers();
        try {
            for (int number = 0; number < count; number++) {
                servers.listen("127.0.1." + (number + 1), Behaviour.values()[number % Behaviour.values().length]);
            }
            return servers;
        } catch (IOException e) {
            servers.close();
            throw new UncheckedIOException(e);
        }
    }

    List<Address> addresses() {
        return List.copyOf(addresses);
    }

    /** Accepted since the start. */
    long connections() {
        return connections.get();
    }

    @Override
    public void close() {
        listeners.forEach(HostileServers::closed);
        sockets.forEach(HostileServers::closed);
    }

    private static void closed(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new IllegalStateException("a socket could not be closed", e);
        }
    }

    private void listen(String host, Behaviour behaviour) throws IOException {
        ServerSocket listener = new ServerSocket(0, 200, InetAddress.getByName(host));
        addresses.add(new Address(host, listener.getLocalPort()));
        if (behaviour == Behaviour.CLOSED_PORT) {
            listener.close();
            return;
        }
        listeners.add(listener);
        Thread.ofVirtual().name(host).start(() -> {
            try {
                while (!listener.isClosed()) {
                    Socket peer = listener.accept();
                    connections.incrementAndGet();
                    sockets.add(peer);
                    Thread.ofVirtual().start(() -> serve(peer, behaviour));
                }
            } catch (IOException closed) {
                return;
            }
        });
    }

    private void serve(Socket peer, Behaviour behaviour) {
        try (peer) {
            OutputStream out = peer.getOutputStream();
            switch (behaviour) {
                case CLOSED_PORT, CLOSES_AT_ONCE -> {}
                case SAYS_NOTHING -> peer.getInputStream().transferTo(OutputStream.nullOutputStream());
                case ENDLESS_GREETING -> {
                    send(out, "* OK ");
                    sendForEver(out, CHUNK);
                }
                case REFUSES_LOGIN, STALLS, HUGE_LITERAL, ENDLESS_RESPONSES -> imap(peer, out, behaviour);
            }
        } catch (IOException peerLeft) {
            return;
        } finally {
            sockets.remove(peer);
        }
    }

    private static void imap(Socket peer, OutputStream out, Behaviour behaviour) throws IOException {
        BufferedReader in =
                new BufferedReader(new InputStreamReader(peer.getInputStream(), StandardCharsets.ISO_8859_1));
        send(out, GREETING);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", 3);
            String command = words.length > 1 ? words[1].toUpperCase(Locale.ROOT) : "";
            switch (command) {
                case "CAPABILITY" -> send(out, "* CAPABILITY IMAP4rev1\r\n" + words[0] + " OK done\r\n");
                case "LOGIN", "AUTHENTICATE" ->
                    send(out, words[0] + (behaviour == Behaviour.REFUSES_LOGIN ? " NO no\r\n" : " OK done\r\n"));
                default -> answer(out, behaviour);
            }
        }
    }

    private static void answer(OutputStream out, Behaviour behaviour) throws IOException {
        switch (behaviour) {
            case HUGE_LITERAL -> {
                send(out, "* LIST () \"/\" {1073741824}\r\n");
                sendForEver(out, CHUNK);
            }
            case ENDLESS_RESPONSES ->
                sendForEver(out, "* LIST () \"/\" folder\r\n".repeat(500).getBytes(StandardCharsets.US_ASCII));
            default -> {}
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    /** Until the peer closes the connection. */
    private static void sendForEver(OutputStream out, byte[] chunk) throws IOException {
        while (true) {
            out.write(chunk);
        }
    }
}
