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

/** Stands between a client and a server on this machine and notes what the client asks; adds some 0.1 ms to each round trip. */
public final class CountingProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final int target;
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    /**
     * What a client sent in one go, after the server had spoken last or as the first word: with it a round trip begins.
     *
     * @param commands its lines
     */
    public record Asked(Instant at, List<String> commands) {}

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

    /** All round trips that began within these times, on all connections. */
    public List<Asked> between(Instant from, Instant to) {
        return asked.stream()
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
                AtomicBoolean serverSpoke = new AtomicBoolean(true);
                for (Socket socket : List.of(client, server)) {
                    socket.setTcpNoDelay(true);
                    sockets.add(socket);
                }
                Thread.ofVirtual()
                        .start(() -> pass(client, server, (bytes, length) -> {
                            if (serverSpoke.getAndSet(false)) {
                                asked.add(new Asked(Instant.now(), lines(bytes, length)));
                            }
                        }));
                Thread.ofVirtual().start(() -> pass(server, client, (bytes, length) -> serverSpoke.set(true)));
            }
        } catch (IOException e) {
            close();
        }
    }

    @FunctionalInterface
    private interface Look {
        void at(byte[] bytes, int length);
    }

    private static void pass(Socket from, Socket to, Look look) {
        byte[] buffer = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                look.at(buffer, length);
                out.write(buffer, 0, length);
            }
        } catch (IOException closed) {
            // Either side may go at any time; the other then goes too.
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
