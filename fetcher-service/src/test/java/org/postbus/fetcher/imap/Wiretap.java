package org.postbus.fetcher.imap;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;

/** A proxy between a client and a server on one machine: records commands, counts connections, and can delay or break them. */
final class Wiretap implements AutoCloseable {
    private static final Pattern LOGIN = Pattern.compile("(?i)(LOGIN|AUTHENTICATE) .*");

    private final ServerSocket listening;
    private final InetSocketAddress server;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final AtomicReference<Halt> halt = new AtomicReference<>();

    private record Halt(String command, Runnable meanwhile, CompletableFuture<Void> done) {}

    Wiretap(String host, int port) {
        try {
            listening = new ServerSocket(0, 200, InetAddress.getByName("127.0.0.1"));
            server = new InetSocketAddress(host, port);
            Thread.ofVirtual().start(this::accept);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int port() {
        return listening.getLocalPort();
    }

    /** What clients have sent, without tags and secrets; a literal counts as a line. */
    List<String> commands() {
        return List.copyOf(commands);
    }

    /** The largest number of connections at one time. */
    int mostConnections() {
        return most.get();
    }

    /**
     * Runs an action before the next command with this beginning reaches the server. A pass begins with LIST, so the whole pass
     * sees what is done before it.
     */
    void before(String command, Runnable meanwhile) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        halt.set(new Halt(command, meanwhile, done));
        done.orTimeout(60, TimeUnit.SECONDS).join();
    }

    /** Breaks all connections, as a network does. */
    void cut() {
        open.forEach(Wiretap::closeQuietly);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listening.accept();
                Socket behind = new Socket();
                behind.connect(server, 5000);
                client.setTcpNoDelay(true);
                behind.setTcpNoDelay(true);
                open.add(client);
                open.add(behind);
                most.accumulateAndGet(connections.incrementAndGet(), Math::max);
                Thread.ofVirtual().start(() -> {
                    pump(client, behind, true);
                    connections.decrementAndGet();
                });
                Thread.ofVirtual().start(() -> pump(behind, client, false));
            }
        } catch (IOException closed) {
            cut();
        }
    }

    private void pump(Socket from, Socket to, boolean heard) {
        StringBuilder line = new StringBuilder();
        byte[] buffer = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (heard) {
                    hear(new String(buffer, 0, n, StandardCharsets.ISO_8859_1), line);
                }
                out.write(buffer, 0, n);
            }
        } catch (IOException broken) {
            // Expected when a connection is closed or cut.
            line.setLength(0);
        } finally {
            open.remove(from);
            open.remove(to);
        }
    }

    private void hear(String text, StringBuilder line) {
        for (char c : text.toCharArray()) {
            if (c == '\n') {
                String untagged = line.substring(line.indexOf(" ") + 1).strip();
                haltAt(untagged);
                commands.add(
                        LOGIN.matcher(untagged).matches() ? untagged.split(" ")[0].toUpperCase(Locale.ROOT) : untagged);
                line.setLength(0);
            } else {
                line.append(c);
            }
        }
    }

    private void haltAt(String command) {
        Halt due = halt.get();
        if (due != null && command.startsWith(due.command()) && halt.compareAndSet(due, null)) {
            due.done()
                    .completeAsync(
                            () -> {
                                due.meanwhile().run();
                                return null;
                            },
                            Runnable::run);
        }
    }

    private static void closeQuietly(Closeable socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        cut();
    }
}
