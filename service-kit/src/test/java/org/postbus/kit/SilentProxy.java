package org.postbus.kit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Forwards connections on loopback until it falls silent: then it reads and forwards nothing more on the connections that it has, and closes none, as
 * a network that has lost the peer. New connections are forwarded again after {@link #forwardNewOnes}; the silent ones stay silent.
 */
public final class SilentProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final int target;
    private final List<Connection> connections = new CopyOnWriteArrayList<>();
    private volatile boolean silent;

    public SilentProxy(int target) throws IOException {
        this(0, target);
    }

    /** @param port 0: any */
    public SilentProxy(int port, int target) throws IOException {
        this.target = target;
        this.listener = new ServerSocket(port, 100, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    private static final class Connection {
        private final Socket client;
        private final Socket server;
        private volatile boolean silent;
        private volatile boolean closedByClient;

        private Connection(Socket client, Socket server, boolean silent) {
            this.client = client;
            this.server = server;
            this.silent = silent;
        }
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** From now on: all connections, and new ones. */
    public void fallSilent() {
        silent = true;
        connections.forEach(connection -> connection.silent = true);
    }

    public void forwardNewOnes() {
        silent = false;
    }

    /** Silent connections that the client has not closed. */
    public long silentAndOpen() {
        return connections.stream()
                .filter(connection -> connection.silent && !connection.closedByClient)
                .count();
    }

    public long open() {
        return connections.stream()
                .filter(connection -> !connection.closedByClient)
                .count();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Connection connection : connections) {
            connection.client.close();
            connection.server.close();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Connection connection =
                        new Connection(client, new Socket(InetAddress.getLoopbackAddress(), target), silent);
                connections.add(connection);
                Thread.ofVirtual().start(() -> pump(connection, client, connection.server, true));
                Thread.ofVirtual().start(() -> pump(connection, connection.server, client, false));
            }
        } catch (IOException closed) {
            return;
        }
    }

    /** What is read while silent is lost. */
    private static void pump(Connection connection, Socket from, Socket to, boolean isFromClient) {
        byte[] buffer = new byte[64 * 1024];
        try {
            for (int read = from.getInputStream().read(buffer);
                    read >= 0;
                    read = from.getInputStream().read(buffer)) {
                if (!connection.silent) {
                    to.getOutputStream().write(buffer, 0, read);
                }
            }
            if (!connection.silent) {
                to.close();
            }
        } catch (IOException broken) {
            connection.closedByClient |= isFromClient;
        }
        connection.closedByClient |= isFromClient;
    }
}
