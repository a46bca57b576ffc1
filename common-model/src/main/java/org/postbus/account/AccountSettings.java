package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The servers of an account: the JSON column {@code account.settings}. It holds no secret. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "protocol")
@JsonSubTypes({
    @JsonSubTypes.Type(value = AccountSettings.Imap.class, name = "imap"),
    @JsonSubTypes.Type(value = AccountSettings.Jmap.class, name = "jmap")
})
public sealed interface AccountSettings {
    String username();

    /** @param smtp the server for submissions; empty: the account cannot send */
    record Imap(String username, ServerAddress imap, Optional<ServerAddress> smtp) implements AccountSettings {
        public Imap {
            Objects.requireNonNull(username);
            Objects.requireNonNull(imap);
            Objects.requireNonNull(smtp);
        }
    }

    /**
     * @param sessionUrl the JMAP session resource (RFC 8620 section 2)
     * @param accountId the JMAP account; empty for the login's primary account for mail
     * @param trustedHosts hosts to which the credential may be sent, with their subdomains, besides the host of the session URL
     * @param smtp the server for submissions if the JMAP server offers none
     */
    record Jmap(
            String username,
            URI sessionUrl,
            Optional<String> accountId,
            List<String> trustedHosts,
            Optional<ServerAddress> smtp)
            implements AccountSettings {
        public Jmap {
            Objects.requireNonNull(username);
            Objects.requireNonNull(sessionUrl);
            Objects.requireNonNull(accountId);
            trustedHosts = List.copyOf(trustedHosts);
            Objects.requireNonNull(smtp);
        }

        /** Decodes stored settings too: those of earlier builds have no trusted hosts and no SMTP server. */
        @JsonCreator
        static Jmap stored(
                @JsonProperty("username") String username,
                @JsonProperty("sessionUrl") URI sessionUrl,
                @JsonProperty("accountId") Optional<String> accountId,
                @JsonProperty("trustedHosts") Optional<List<String>> trustedHosts,
                @JsonProperty("smtp") Optional<ServerAddress> smtp) {
            return new Jmap(username, sessionUrl, accountId, trustedHosts.orElse(List.of()), smtp);
        }

        /** Without an SMTP server. */
        public Jmap(String username, URI sessionUrl, Optional<String> accountId, List<String> trustedHosts) {
            this(username, sessionUrl, accountId, trustedHosts, Optional.empty());
        }

        /** The primary account, on one host. */
        public Jmap(String username, URI sessionUrl) {
            this(username, sessionUrl, Optional.empty(), List.of());
        }
    }
}
