package org.postbus.gateway.account;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.UUID;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** Accounts as readers see them. Fails with a 404 problem for what does not exist or belongs to another tenant. */
@ApplicationScoped
public class AccountQueries {
    private static final UUID FIRST = new UUID(0, 0);
    private static final UUID LAST = new UUID(-1, -1);

    private final Sessions sessions;

    AccountQueries(Sessions sessions) {
        this.sessions = sessions;
    }

    Uni<Page<Account, AccountId>> accounts(TenantId tenant, int limit, Optional<UUID> after) {
        return sessions.read(
                        tenant,
                        session -> session.createQuery(
                                        "from AccountRow where accountId > :after order by accountId", AccountRow.class)
                                .setParameter("after", after.orElse(FIRST))
                                .setMaxResults(limit + 1)
                                .getResultList())
                .map(rows -> Page.of(rows, limit, AccountRow::account, row -> new AccountId(row.accountId)));
    }

    Uni<Account> account(TenantId tenant, AccountId account) {
        return sessions.read(tenant, session -> AccountRow.require(session, account))
                .map(AccountRow::account);
    }

    Uni<Page<SyncLogEntry, UUID>> syncLog(TenantId tenant, AccountId account, int limit, Optional<UUID> after) {
        return sessions.read(
                        tenant,
                        session -> AccountRow.require(session, account)
                                .chain(() -> session.createQuery("""
                                        from SyncLogRow where accountId = :account and entryId < :after
                                        order by entryId desc""", SyncLogRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(LAST))
                                        .setMaxResults(limit + 1)
                                        .getResultList()))
                .map(rows -> Page.of(rows, limit, SyncLogRow::entry, row -> row.entryId));
    }

    Uni<Page<QuarantinedMessage, UUID>> quarantine(
            TenantId tenant, AccountId account, int limit, Optional<UUID> after) {
        return sessions.read(
                        tenant,
                        session -> AccountRow.require(session, account)
                                .chain(() -> session.createQuery("""
                                        from QuarantinedMessageRow where accountId = :account and quarantineId < :after
                                        order by quarantineId desc""", QuarantinedMessageRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(LAST))
                                        .setMaxResults(limit + 1)
                                        .getResultList()))
                .map(rows -> Page.of(rows, limit, QuarantinedMessageRow::message, row -> row.quarantineId));
    }

    /** Makes a message be tried again by the next requested pass. Fails with a 404 problem if there is none. */
    Uni<Void> retryQuarantined(TenantId tenant, AccountId account, UUID message) {
        return sessions.write(
                        tenant,
                        session -> session.createNativeQuery(
                                        "select retry_quarantined(cast(:account as uuid), cast(:message as uuid))",
                                        Boolean.class)
                                .setParameter("account", account.toString())
                                .setParameter("message", message.toString())
                                .getSingleResult())
                .map(found -> {
                    if (!found) {
                        throw Problem.notFound("quarantined message");
                    }
                    return null;
                });
    }
}
