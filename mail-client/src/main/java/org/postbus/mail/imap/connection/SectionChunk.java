package org.postbus.mail.imap.connection;

import io.vertx.core.buffer.Buffer;
import java.util.Objects;
import org.postbus.mail.imap.grammar.Section;

/**
 * What has come of the content of a {@link Section}.
 *
 * @param size of all the content, in octets, as the server announced it; it sends exactly so many or breaks off
 */
public record SectionChunk(Buffer octets, int size) {
    public SectionChunk {
        Objects.requireNonNull(octets);
    }
}
