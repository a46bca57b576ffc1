package org.postbus.mail.imap;

import io.vertx.core.buffer.Buffer;
import java.util.Objects;

/**
 * What has come of the content of a {@link Section}.
 *
 * @param size of all the content, in octets, as the server announced it; it sends exactly so many or breaks off
 */
public record SectionPortion(Buffer octets, int size) {
    public SectionPortion {
        Objects.requireNonNull(octets);
    }
}
