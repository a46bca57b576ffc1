package org.postbus.model;

import java.util.Objects;
import java.util.Optional;

/**
 * A leaf of the MIME tree (RFC 8621 section 4.1.4). {@code partId} is the IMAP part specifier ("1.2") or the JMAP
 * server's partId; {@code blobId} is the JMAP server's and may expire. {@code size} counts decoded octets.
 */
public record EmailBodyPart(
        String partId,
        Optional<String> blobId,
        long size,
        Optional<String> name,
        String type,
        Optional<String> charset,
        Optional<String> disposition,
        Optional<String> cid) {
    public EmailBodyPart {
        Objects.requireNonNull(partId);
        Objects.requireNonNull(blobId);
        Objects.requireNonNull(name);
        Objects.requireNonNull(type);
        Objects.requireNonNull(charset);
        Objects.requireNonNull(disposition);
        Objects.requireNonNull(cid);
    }
}
