package org.postbus.model;

import java.util.Objects;

/** The text of one body part, decoded, with LF as line end (RFC 8621 section 4.1.4). */
public record EmailBodyValue(String value, boolean isEncodingProblem, boolean isTruncated) {
    public EmailBodyValue {
        Objects.requireNonNull(value);
    }
}
