package org.postbus.gateway.content;

import java.util.Objects;
import org.postbus.model.EmailBodyPart;

/** A part and its content, decoded while it is read. */
record FoundPart(EmailBodyPart part, OpenContent content) {
    FoundPart {
        Objects.requireNonNull(part);
        Objects.requireNonNull(content);
    }
}
