package org.postbus.model;

import java.util.Objects;
import java.util.Optional;

/** A display name and an address of a header field, decoded (RFC 8621 section 4.1.2.3). The address may be malformed. */
public record EmailAddress(Optional<String> name, String email) {
    public EmailAddress {
        Objects.requireNonNull(name);
        Objects.requireNonNull(email);
    }
}
