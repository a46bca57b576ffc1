package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.net.URI;
import java.util.Objects;
import java.util.Optional;

/** How to reach an account's server: the JSON column {@code account.settings}. Holds no secret. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "protocol")
@JsonSubTypes({
    @JsonSubTypes.Type(value = AccountSettings.Imap.class, name = "imap"),
    @JsonSubTypes.Type(value = AccountSettings.Jmap.class, name = "jmap")
})
public sealed interface AccountSettings {
    String username();

    record Imap(String username, ServerAddress imap, Optional<ServerAddress> smtp) implements AccountSettings {
        public Imap {
            Objects.requireNonNull(username);
            Objects.requireNonNull(imap);
            Objects.requireNonNull(smtp);
        }
    }

    /**
     * @param sessionUrl the JMAP session resource (RFC 8620 section 2)
     * @param accountId which of the login's accounts on that server; empty for its primary account for mail
     */
    record Jmap(String username, URI sessionUrl, Optional<String> accountId) implements AccountSettings {
        public Jmap {
            Objects.requireNonNull(username);
            Objects.requireNonNull(sessionUrl);
            Objects.requireNonNull(accountId);
        }

        /** The primary account. */
        public Jmap(String username, URI sessionUrl) {
            this(username, sessionUrl, Optional.empty());
        }
    }
}
