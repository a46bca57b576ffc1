package org.postbus.boundary;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A server of the operator's own network that no tenant may reach: on 127.0.0.1 and, where there is IPv6, on ::1 with the same port. It sends
 * {@link #BANNER} at once, as an HTTP answer, so that whoever connects has something to show.
 */
final class PrivateListener implements AutoCloseable {
    static final String BANNER = "private-banner-7f3a";

    private static final int HTTPS = 443;
    private static final byte[] ANSWER = ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
                    + BANNER.length() + "\r\nConnection: close\r\n\r\n" + BANNER)
            .getBytes(StandardCharsets.US_ASCII);

    private final List<ServerSocket> sockets = new ArrayList<>();
    private final List<String> connections = new CopyOnWriteArrayList<>();
    private final int port;

    PrivateListener() {
        try {
            port = listen("127.0.0.1", 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        tryToListen("::1", port);
        // Discovery asks this port. It takes a privilege, which not every machine gives.
        tryToListen("127.0.0.1", HTTPS);
        tryToListen("::1", HTTPS);
    }

    int port() {
        return port;
    }

    /** Each connection since the last call. */
    List<String> takeConnections() {
        List<String> taken = List.copyOf(connections);
        connections.removeAll(taken);
        return taken;
    }

    @Override
    public void close() throws IOException {
        for (ServerSocket socket : sockets) {
            socket.close();
        }
    }

    private void tryToListen(String address, int port) {
        try {
            listen(address, port);
        } catch (IOException notOnThisMachine) {
            System.out.println(
                    "no private listener on " + address + " port " + port + ": " + notOnThisMachine.getMessage());
        }
    }

    private int listen(String address, int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.bind(new InetSocketAddress(InetAddress.getByName(address), port));
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        sockets.add(socket);
        Thread.ofVirtual().name("private").start(() -> accept(socket));
        return socket.getLocalPort();
    }

    private void accept(ServerSocket listener) {
        while (!listener.isClosed()) {
            try (Socket peer = listener.accept()) {
                connections.add(peer.getLocalSocketAddress() + " from " + peer.getRemoteSocketAddress());
                OutputStream out = peer.getOutputStream();
                out.write(ANSWER);
                out.flush();
            } catch (IOException peerLeft) {
                // Counted; and a closed listener ends the loop.
                continue;
            }
        }
    }
}
