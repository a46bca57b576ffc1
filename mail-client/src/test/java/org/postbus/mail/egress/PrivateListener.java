package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands for a service that tenants must not reach: listens on 127.0.0.2 and counts the connections that reach it. */
public final class PrivateListener implements AutoCloseable {
    public static final String ADDRESS = "127.0.0.2";
    private static final int SETTLE_MS = 150;

    private final ServerSocket listening;
    private final AtomicInteger accepted = new AtomicInteger();

    public PrivateListener() {
        this(0);
    }

    /** @param port that of a server on 127.0.0.1, for a name that changes its address */
    public PrivateListener(int port) {
        try {
            listening = new ServerSocket(port, 50, InetAddress.getByName(ADDRESS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(() -> {
            while (!listening.isClosed()) {
                try {
                    listening.accept().close();
                    accepted.incrementAndGet();
                } catch (IOException closed) {
                    return;
                }
            }
        });
    }

    public int port() {
        return listening.getLocalPort();
    }

    /** After a moment in which a connection that was begun would have arrived. */
    public void assertUntouched() {
        try {
            Thread.sleep(SETTLE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        assertThat(accepted).as("connections to the private listener").hasValue(0);
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
