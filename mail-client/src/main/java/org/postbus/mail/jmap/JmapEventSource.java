package org.postbus.mail.jmap;

import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.List;

/** Push over an event source (RFC 8620 section 7.3). */
public final class JmapEventSource {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} that says: this server has no event source; poll. */
    public static final String NOT_OFFERED = "event-source-not-offered";

    private JmapEventSource() {}

    /**
     * Opens the stream when subscribed to and closes it when cancelled. It never completes: it fails with
     * {@link org.postbus.mail.ServerFailure.Unreachable} when it ends or when 2.5 ping intervals pass in silence, and with
     * {@code Rejected(NOT_OFFERED)} if the server does not offer it. Opening it again is the caller's loop.
     *
     * @param types such as {@code Email}, {@code Mailbox}
     * @param ping asked for; the server may choose another interval, which is then the one that counts
     */
    public static Multi<JmapPush> open(JmapClient client, List<String> types, Duration ping) {
        throw new UnsupportedOperationException();
    }
}
