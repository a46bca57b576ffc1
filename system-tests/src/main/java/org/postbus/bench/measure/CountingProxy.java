package org.postbus.bench.measure;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;

/** A TCP proxy between a client and a server on this machine that records round trips; it adds about 0.1 ms to each. */
public final class CountingProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final int target;
    private final List<RoundTrip> roundTrips = new CopyOnWriteArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    /**
     * The start of a round trip: the first bytes that a client sends on a connection, or after data from the server.
     *
     * @param commands the lines sent
     */
    public record RoundTrip(Instant at, List<String> commands) {}

    /** @param target a port of the loopback interface */
    public CountingProxy(int target) {
        this.target = target;
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().name("proxy").start(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** The round trips on all connections that began within these times. */
    public List<RoundTrip> between(Instant from, Instant to) {
        return roundTrips.stream()
                .filter(one -> !one.at().isBefore(from) && !one.at().isAfter(to))
                .toList();
    }

    @Override
    public void close() {
        closeQuietly(listener);
        sockets.forEach(CountingProxy::closeQuietly);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                AtomicBoolean serverSentLast = new AtomicBoolean(true);
                for (Socket socket : List.of(client, server)) {
                    socket.setTcpNoDelay(true);
                    sockets.add(socket);
                }
                Thread.ofVirtual()
                        .start(() -> forward(client, server, (bytes, length) -> {
                            if (serverSentLast.getAndSet(false)) {
                                roundTrips.add(new RoundTrip(Instant.now(), lines(bytes, length)));
                            }
                        }));
                Thread.ofVirtual().start(() -> forward(server, client, (bytes, length) -> serverSentLast.set(true)));
            }
        } catch (IOException e) {
            close();
        }
    }

    @FunctionalInterface
    private interface Observer {
        void observe(byte[] bytes, int length);
    }

    private static void forward(Socket from, Socket to, Observer observer) {
        byte[] buffer = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                observer.observe(buffer, length);
                out.write(buffer, 0, length);
            }
        } catch (IOException closed) {
            // When one side closes its connection the other one is closed too.
            closeQuietly(to);
        }
    }

    private static List<String> lines(byte[] bytes, int length) {
        return new ArrayList<>(new String(bytes, 0, length, StandardCharsets.ISO_8859_1)
                .lines()
                .toList());
    }

    private static void closeQuietly(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new IllegalStateException("a socket could not be closed", e);
        }
    }
}
