package org.postbus.devstack.process;

import java.io.IOException;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Finds free TCP ports below the range of ephemeral ports (32768 and up on Linux), so that an outgoing connection cannot take a port
 * before a slow server has bound it.
 */
public final class FreePort {
    private static final int FROM = 15_000;
    private static final int TO = 32_000;
    private static final int TRIES_MAX = 1_000;

    /** Ports that this JVM has handed out; their servers may not have bound them yet. */
    private static final Set<Integer> handedOut = new HashSet<>();

    private FreePort() {}

    public static synchronized int find() {
        for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FROM, TO);
            if (!handedOut.contains(port) && isFree(port)) {
                handedOut.add(port);
                return port;
            }
        }
        throw new IllegalStateException("no free port between " + FROM + " and " + TO);
    }

    /** On all interfaces, since James's JMAP port cannot be bound to loopback only. */
    public static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
