package org.postbus.mail.imap.grammar;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Where the user's own, other users' and shared mailboxes begin (RFC 2342). */
public record Namespaces(List<Namespace> personal, List<Namespace> otherUsers, List<Namespace> shared) {
    public Namespaces {
        personal = List.copyOf(personal);
        otherUsers = List.copyOf(otherUsers);
        shared = List.copyOf(shared);
    }

    /**
     * @param prefix raw, usually ending in the delimiter; empty for the root
     * @param delimiter empty where names are flat
     */
    public record Namespace(String prefix, Optional<Character> delimiter) {
        public Namespace {
            Objects.requireNonNull(prefix);
            Objects.requireNonNull(delimiter);
        }
    }
}
