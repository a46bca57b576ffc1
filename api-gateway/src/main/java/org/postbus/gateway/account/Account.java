package org.postbus.gateway.account;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.PushKind;
import org.postbus.account.ServerAddress;
import org.postbus.account.SyncState;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/** An account as the API shows it: its settings without the credential, and the state of its sync. */
public record Account(
        AccountId id,
        AccountRecord.Protocol protocol,
        String email,
        String username,
        Optional<ServerAddress> imap,
        Optional<ServerAddress> smtp,
        Optional<JmapServer> jmap,
        AccountRecord.Status status,
        Instant createdAt,
        Sync sync) {

    public Account {
        Objects.requireNonNull(id);
        Objects.requireNonNull(protocol);
        Objects.requireNonNull(email);
        Objects.requireNonNull(username);
        Objects.requireNonNull(imap);
        Objects.requireNonNull(smtp);
        Objects.requireNonNull(jmap);
        Objects.requireNonNull(status);
        Objects.requireNonNull(createdAt);
        Objects.requireNonNull(sync);
    }

    /**
     * @param sessionUrl the JMAP session resource (RFC 8620 section 2)
     * @param accountId one of the login's accounts on that server; absent for its primary account for mail
     * @param trustedHosts hosts that may get the credential, besides that of the session URL
     */
    public record JmapServer(URI sessionUrl, Optional<String> accountId, List<String> trustedHosts) {
        public JmapServer {
            Objects.requireNonNull(sessionUrl);
            Objects.requireNonNull(accountId);
            trustedHosts = List.copyOf(trustedHosts);
        }
    }

    /**
     * @param lastSyncedAt end of the last complete sync pass
     * @param retryAt time of the next try, in the state {@code backoff}
     * @param push how the server notifies Postbus of changes; absent until the first connection
     * @param deferred messages that could not be read and are tried again within minutes
     * @param quarantined messages that could not be read repeatedly and are tried again within hours
     * @param eventsWaitSince Kafka is unavailable: what happened on the server since then is not stored yet. Absent otherwise
     */
    public record Sync(
            SyncState state,
            Optional<Instant> lastSyncedAt,
            Optional<String> lastError,
            Optional<Instant> retryAt,
            Optional<PushKind> push,
            long deferred,
            long quarantined,
            Optional<Instant> eventsWaitSince) {
        public Sync {
            Objects.requireNonNull(state);
            Objects.requireNonNull(lastSyncedAt);
            Objects.requireNonNull(lastError);
            Objects.requireNonNull(retryAt);
            Objects.requireNonNull(push);
            Objects.requireNonNull(eventsWaitSince);
        }
    }

    static Account of(
            AccountId id,
            String email,
            AccountRecord.Status status,
            Instant createdAt,
            AccountSettings settings,
            Sync sync) {
        return switch (settings) {
            case AccountSettings.Imap(var username, var imap, var smtp) ->
                new Account(
                        id,
                        AccountRecord.Protocol.IMAP,
                        email,
                        username,
                        Optional.of(imap),
                        smtp,
                        Optional.empty(),
                        status,
                        createdAt,
                        sync);
            case AccountSettings.Jmap(var username, var sessionUrl, var accountId, var trustedHosts, var smtp) ->
                new Account(
                        id,
                        AccountRecord.Protocol.JMAP,
                        email,
                        username,
                        Optional.empty(),
                        smtp,
                        Optional.of(new JmapServer(sessionUrl, accountId, trustedHosts)),
                        status,
                        createdAt,
                        sync);
        };
    }
}
