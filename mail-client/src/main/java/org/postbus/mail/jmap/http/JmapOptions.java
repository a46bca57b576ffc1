package org.postbus.mail.jmap.http;

import java.time.Duration;
import java.util.Objects;

/**
 * The limits of one {@link JmapClient}.
 *
 * @param connectTimeout for the TCP and TLS handshake
 * @param requestTimeout from sending a request to the last byte of its answer
 * @param responseBytesMax the largest answer to an API call or session request, in bytes
 * @param redirectsMax how many redirects are followed from the session URL
 */
public record JmapOptions(Duration connectTimeout, Duration requestTimeout, int responseBytesMax, int redirectsMax) {

    public static final JmapOptions DEFAULTS =
            new JmapOptions(Duration.ofSeconds(15), Duration.ofSeconds(60), 64 * 1024 * 1024, 5);

    public JmapOptions {
        Objects.requireNonNull(connectTimeout);
        Objects.requireNonNull(requestTimeout);
        if (responseBytesMax < 1024 || redirectsMax < 0) {
            throw new IllegalArgumentException(
                    "responseBytesMax " + responseBytesMax + " or redirectsMax " + redirectsMax + " is out of range");
        }
    }
}
