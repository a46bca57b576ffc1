package org.postbus.gateway.audit;

import java.util.Objects;
import java.util.UUID;

/** Who makes a request. */
public sealed interface Actor {
    /** An API key, by its id. */
    record Key(UUID id) implements Actor {
        public Key {
            Objects.requireNonNull(id);
        }
    }

    /** The subject of a token of the OpenID Connect provider. */
    record Subject(String name) implements Actor {
        public Subject {
            Objects.requireNonNull(name);
        }
    }

    /** A request without a valid credential. */
    record Nobody() implements Actor {}

    /** Postbus itself, in a background job. */
    record Postbus() implements Actor {}

    /** As the audit log shows it: {@code key:ID}, {@code subject:NAME}, {@code nobody} or {@code postbus}. At most 300 characters. */
    default String text() {
        return switch (this) {
            case Key(var id) -> "key:" + id;
            case Subject(var name) -> "subject:" + name.substring(0, Math.min(name.length(), 290));
            case Nobody() -> "nobody";
            case Postbus() -> "postbus";
        };
    }
}
