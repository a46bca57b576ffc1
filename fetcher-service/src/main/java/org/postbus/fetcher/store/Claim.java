package org.postbus.fetcher.store;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.ReadFailures;
import org.postbus.observation.SyncScope;

/**
 * The claim on an account: the fence under which all its batches are sent, and what the database held when it was made.
 *
 * @param fullPass the cursors cannot be trusted: everything is to be compared once
 * @param initialDone the initial sync has ended
 * @param retryAt when the account was to be tried again, with the state {@code backoff}
 * @param credential empty if none is stored
 * @param emailsNotRead JMAP only: emails that could not be read, by JMAP id
 */
public record Claim(
        TenantId tenantId,
        AccountId accountId,
        long fence,
        boolean fullPass,
        boolean initialDone,
        SyncState state,
        Optional<String> lastError,
        Optional<PushKind> push,
        Optional<Instant> retryAt,
        Optional<LimitsExceeded> limitsExceeded,
        AccountSettings settings,
        Optional<Credential> credential,
        List<MailboxSnapshot> mailboxes,
        Map<String, ReadFailures> emailsNotRead,
        Map<SyncScope, Cursor> cursors) {
    public Claim {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(state);
        Objects.requireNonNull(settings);
        Objects.requireNonNull(credential);
        mailboxes = List.copyOf(mailboxes);
        emailsNotRead = Map.copyOf(emailsNotRead);
        cursors = Map.copyOf(cursors);
    }
}
