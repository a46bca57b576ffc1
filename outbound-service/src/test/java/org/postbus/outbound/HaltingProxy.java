package org.postbus.outbound;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Stands between a client and an IMAP server and, when armed, stops the line at a command of the next connection: so the client
 * is as good as halted there. Carries commands without literals.
 */
final class HaltingProxy implements AutoCloseable {
    /** Where the client is halted: the command has not gone out, or the server has done it and the answer stays here. */
    enum Side {
        BEFORE,
        AFTER
    }

    private record Point(int command, Side side) {}

    private final ServerSocket listener;
    private final int target;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final AtomicReference<Point> armed = new AtomicReference<>();
    private volatile boolean halted;

    /** @param target a port of the loopback interface */
    HaltingProxy(int target) {
        this.target = target;
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().name("halting-proxy").start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** @param command counts from 1, the first SELECT; LOGOUT does not count, for nobody waits for its answer */
    void arm(int command, Side side) {
        halted = false;
        commands.clear();
        armed.set(new Point(command, side));
    }

    boolean hasHalted() {
        return halted;
    }

    /** What the connection that was armed for has asked, from its first SELECT on. */
    List<String> commands() {
        return List.copyOf(commands);
    }

    /** Ends all connections, the halted ones too. */
    void cut() {
        armed.set(null);
        sockets.forEach(HaltingProxy::closeQuietly);
        sockets.clear();
    }

    @Override
    public void close() {
        closeQuietly(listener);
        cut();
    }

    private void accept() {
        try {
            for (; ; ) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                sockets.addAll(List.of(client, server));
                new Line(client, server, armed.getAndSet(null)).start();
            }
        } catch (IOException e) {
            // Closed: the test is over.
            closeQuietly(listener);
        }
    }

    /** One connection. */
    private final class Line {
        private final Socket client;
        private final Socket server;
        /** Null if it is to be left alone. */
        private final Point point;

        private int counted;
        /** The tag of the command whose answer stays here; null while answers go through. */
        private volatile String heldTag;

        private Line(Socket client, Socket server, Point point) {
            this.client = client;
            this.server = server;
            this.point = point;
        }

        private void start() {
            Thread.ofVirtual().name("to-server").start(() -> carry(this::commands));
            Thread.ofVirtual().name("to-client").start(() -> carry(this::answers));
        }

        private interface Carrying {
            void run() throws IOException;
        }

        private void carry(Carrying carrying) {
            try {
                carrying.run();
            } catch (IOException e) {
                // One end has gone, so the other has nothing to wait for.
                closeQuietly(client);
                closeQuietly(server);
            }
            if (!halted) {
                closeQuietly(client);
                closeQuietly(server);
            }
        }

        private void commands() throws IOException {
            BufferedReader in = lines(client.getInputStream());
            OutputStream out = server.getOutputStream();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                boolean counts = counted > 0 ? !line.endsWith(" LOGOUT") : line.contains(" SELECT ");
                if (point != null && counts) {
                    counted++;
                    commands.add(line);
                    if (counted == point.command()) {
                        if (point.side() == Side.BEFORE) {
                            halted = true;
                            return;
                        }
                        heldTag = line.substring(0, line.indexOf(' '));
                    }
                }
                out.write((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                out.flush();
            }
        }

        private void answers() throws IOException {
            BufferedReader in = lines(server.getInputStream());
            OutputStream out = client.getOutputStream();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (heldTag == null) {
                    out.write((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                    out.flush();
                } else if (line.startsWith(heldTag + " ")) {
                    halted = true;
                    return;
                }
            }
        }

        private BufferedReader lines(InputStream in) {
            return new BufferedReader(new InputStreamReader(in, StandardCharsets.ISO_8859_1));
        }
    }

    private static void closeQuietly(AutoCloseable closed) {
        try {
            closed.close();
        } catch (Exception e) {
            System.err.println("halting proxy: " + e);
        }
    }
}
