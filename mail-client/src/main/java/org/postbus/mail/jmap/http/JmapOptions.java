package org.postbus.mail.jmap.http;

import java.time.Duration;
import java.util.Objects;
import org.postbus.mail.memory.HeldBytes;

/**
 * The limits of one {@link JmapClient}.
 *
 * @param connectTimeout for the TCP and TLS handshake
 * @param requestTimeout from sending a request to the last byte of its answer
 * @param responseBytesMax the largest answer to an API call or session request, in bytes
 * @param redirectsMax how many redirects are followed from the session URL
 * @param held where the bytes are counted that all clients hold
 */
public record JmapOptions(
        Duration connectTimeout, Duration requestTimeout, int responseBytesMax, int redirectsMax, HeldBytes held) {

    public static final JmapOptions DEFAULTS =
            new JmapOptions(Duration.ofSeconds(15), Duration.ofSeconds(60), 8 * 1024 * 1024, 5);

    public JmapOptions(Duration connectTimeout, Duration requestTimeout, int responseBytesMax, int redirectsMax) {
        this(connectTimeout, requestTimeout, responseBytesMax, redirectsMax, HeldBytes.OF_PROCESS);
    }

    public JmapOptions withHeld(HeldBytes held) {
        return new JmapOptions(connectTimeout, requestTimeout, responseBytesMax, redirectsMax, held);
    }

    public JmapOptions {
        Objects.requireNonNull(held);
        Objects.requireNonNull(connectTimeout);
        Objects.requireNonNull(requestTimeout);
        if (responseBytesMax < 1024 || redirectsMax < 0) {
            throw new IllegalArgumentException(
                    "responseBytesMax " + responseBytesMax + " or redirectsMax " + redirectsMax + " is out of range");
        }
    }
}
