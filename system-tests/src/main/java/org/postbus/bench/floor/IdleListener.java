package org.postbus.bench.floor;

import java.io.UncheckedIOException;
import java.time.Instant;
import org.postbus.bench.stage.MailServer;

/** A raw connection that does nothing but IDLE on one mailbox (RFC 2177). */
public final class IdleListener implements AutoCloseable {
    private final PlainImap imap;
    private final NotificationTimes notifications = new NotificationTimes();

    /** @param mailbox a name that needs no quoting */
    public IdleListener(MailServer server, String mailbox) {
        imap = PlainImap.logIn(server);
        imap.command("SELECT " + mailbox);
        imap.idle();
        Thread.ofPlatform().daemon().name("idle-" + mailbox).start(this::listen);
    }

    public NotificationTimes notifications() {
        return notifications;
    }

    @Override
    public void close() {
        imap.close();
    }

    private void listen() {
        try {
            while (true) {
                if (imap.readLine().endsWith(" EXISTS")) {
                    notifications.add(Instant.now());
                }
            }
        } catch (UncheckedIOException e) {
            if (!imap.isClosed()) {
                throw e;
            }
        }
    }
}
