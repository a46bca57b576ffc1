package org.postbus.model;

import java.util.Objects;
import java.util.Optional;

/**
 * A leaf of the MIME tree (RFC 8621 section 4.1.4).
 *
 * @param partId the IMAP part specifier ("1.2") or the JMAP server's partId
 * @param blobId JMAP only; it may expire
 * @param size of the decoded content, in octets
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
