package org.postbus.model;

import java.util.Objects;
import java.util.Optional;

/** A name and an address as a header shows them, decoded (RFC 8621 section 4.1.2.3). The address may be malformed. */
public record EmailAddress(Optional<String> name, String email) {
    public EmailAddress {
        Objects.requireNonNull(name);
        Objects.requireNonNull(email);
    }
}
