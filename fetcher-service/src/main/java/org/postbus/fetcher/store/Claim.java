package org.postbus.fetcher.store;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.event.Cursor;
import org.postbus.event.PushKind;
import org.postbus.event.SyncScope;
import org.postbus.event.SyncState;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * An account taken over: the fence under which everything is sent, and what the database knew at that moment.
 *
 * @param fullPass the cursors are not to be trusted: everything is compared once
 * @param credential empty if the account has none stored
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
        AccountSettings settings,
        Optional<Credential> credential,
        List<MailboxSnapshot> mailboxes,
        Map<SyncScope, Cursor> cursors) {
    public Claim {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(state);
        Objects.requireNonNull(settings);
        Objects.requireNonNull(credential);
        mailboxes = List.copyOf(mailboxes);
        cursors = Map.copyOf(cursors);
    }
}
