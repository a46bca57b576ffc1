package org.postbus.mail.imap.connection;

import io.vertx.core.buffer.Buffer;
import java.util.Objects;
import org.postbus.mail.imap.grammar.Section;

/**
 * A chunk of the content of a {@link Section}.
 *
 * @param size octets of the whole content, as the server declared it; it sends exactly that many, or the connection breaks
 */
public record SectionChunk(Buffer octets, int size) {
    public SectionChunk {
        Objects.requireNonNull(octets);
    }
}
