package org.postbus.devstack.process;

import java.io.IOException;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A TCP port that nothing listens on and that nothing will take by chance: from below the range that systems give to outgoing
 * connections (32768 and up on Linux). A server that starts slowly would else find its port gone.
 */
public final class FreePort {
    private static final int FROM = 15_000;
    private static final int TO = 32_000;
    private static final int TRIES_MAX = 1_000;

    /** What this JVM has given away and perhaps not used yet. */
    private static final Set<Integer> given = new HashSet<>();

    private FreePort() {}

    public static synchronized int find() {
        for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FROM, TO);
            if (!given.contains(port) && isFree(port)) {
                given.add(port);
                return port;
            }
        }
        throw new IllegalStateException("no free port between " + FROM + " and " + TO);
    }

    /** On all interfaces: some servers know no other way. */
    public static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
