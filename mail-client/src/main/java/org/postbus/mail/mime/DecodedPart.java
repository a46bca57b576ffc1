package org.postbus.mail.mime;

import java.util.Objects;
import org.postbus.model.EmailBodyPart;

/** One part of a message with its content, transfer encoding undone. */
public record DecodedPart(EmailBodyPart part, byte[] content) {
    public DecodedPart {
        Objects.requireNonNull(part);
        Objects.requireNonNull(content);
    }
}
