package org.postbus.gateway.account;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.audit.AuditAppend;
import org.postbus.gateway.authentication.AuthenticatedRequest;
import org.postbus.gateway.database.SessionChangeLog;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Stock;
import org.postbus.gateway.quota.StoredBytes;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/**
 * Writes accounts and their credentials. Every change raises the account's revision, and every deletion leaves a tombstone, in the
 * same transaction: {@link AccountPublisher} publishes from these.
 */
@ApplicationScoped
public class AccountStore {
    private static final UUID NO_ACCOUNT = new UUID(0, 0);

    private final Sessions sessions;
    private final CredentialCipher cipher;
    private final AccountPublisher publisher;
    private final AccountErasure erasure;
    private final Stock stock;
    private final StoredBytes storedBytes;

    AccountStore(
            Sessions sessions,
            CredentialCipher cipher,
            AccountPublisher publisher,
            AccountErasure erasure,
            Stock stock,
            StoredBytes storedBytes) {
        this.sessions = sessions;
        this.cipher = cipher;
        this.publisher = publisher;
        this.erasure = erasure;
        this.stock = stock;
        this.storedBytes = storedBytes;
    }

    /** Fails with a 403 problem if a quota is used up, with 409 if another account syncs the same mailbox and the request does not allow it. */
    Uni<AccountId> create(AuthenticatedRequest by, AccountRequest request, Credential credential) {
        TenantId tenant = by.tenant();
        return sessions.write(tenant, session -> {
                    AccountEntity account = new AccountEntity(tenant, request);
                    return requireActive(session)
                            .chain(() -> stock.requireStorage(session, tenant))
                            // Also lets additions of the tenant follow each other, which the search for duplicates
                            // needs.
                            .chain(() -> stock.require(session, tenant, Quota.ACCOUNTS, 1))
                            .chain(() -> markDuplicate(session, account, request))
                            .chain(() -> session.persist(account))
                            .chain(() -> store(session, tenant, account.id(), credential))
                            // The row below refers to the account's.
                            .chain(session::flush)
                            .chain(() -> insertSyncRow(session, tenant, account.id()))
                            .chain(() -> AuditAppend.append(
                                    session, by.entry(account.id().toString())))
                            .map(inserted -> account.id());
                })
                .invoke(() -> {
                    publisher.publishSoon();
                    storedBytes.measureSoon(tenant);
                });
    }

    /** Fails with a 409 problem that names the first account that syncs the mailbox, unless the request allows another one. */
    private static Uni<Void> markDuplicate(Mutiny.Session session, AccountEntity account, AccountRequest request) {
        return session.createQuery(
                        "select accountId from AccountEntity"
                                + " where mailboxIdentity = :identity and accountId <> :self order by accountId",
                        UUID.class)
                .setParameter("identity", MailboxIdentity.of(request.settings()).text())
                .setParameter("self", Optional.ofNullable(account.accountId).orElse(NO_ACCOUNT))
                .setMaxResults(1)
                .getSingleResultOrNull()
                .invoke(first -> {
                    if (first != null && !request.allowDuplicate()) {
                        throw Problem.conflict("account " + first
                                + " syncs this mailbox already (same protocol, server and user name): use that one, or send"
                                + " allowDuplicate: true");
                    }
                    account.duplicate = first != null;
                })
                .replaceWithVoid();
    }

    /**
     * Until the transaction ends the tenant is not suspended or deleted: that pauses or deletes the accounts that are there, so none may come
     * while it happens.
     */
    private static Uni<Void> requireActive(Mutiny.Session session) {
        return session.createNativeQuery(
                        "select 1 from tenant where tenant_id = current_tenant() and status = 'active' for share",
                        Integer.class)
                .getResultList()
                .invoke(rows -> {
                    if (rows.isEmpty()) {
                        throw Problem.forbidden("this tenant is suspended or is being deleted");
                    }
                })
                .replaceWithVoid();
    }

    /** The table belongs to the writer, which updates the row; the gateway may only insert it. */
    private static Uni<Integer> insertSyncRow(Mutiny.Session session, TenantId tenant, AccountId account) {
        return session.createNativeQuery(
                        "insert into account_sync (account_id, tenant_id) values (cast(:account as uuid), cast(:tenant as uuid))")
                .setParameter("account", account.value())
                .setParameter("tenant", tenant.value())
                .executeUpdate();
    }

    /** What a change starts from. {@code revision} shows whether another request has changed the account meanwhile. */
    record Stored(String email, AccountSettings settings, AccountRecord.Status status, long revision) {}

    /** Fails with a 404 problem. */
    Uni<Stored> find(TenantId tenant, AccountId account) {
        return sessions.read(tenant, session -> session.find(AccountEntity.class, account.value()))
                .onItem()
                .ifNull()
                .failWith(() -> Problem.notFound("account"))
                .map(found -> new Stored(
                        found.email,
                        EventCodec.decode(found.settings, AccountSettings.class),
                        AccountRecord.Status.of(found.status),
                        found.revision));
    }

    /** Fails with a 409 problem if the account has changed since {@code revision}, or if it becomes a duplicate that is not allowed. */
    Uni<Void> change(AuthenticatedRequest by, AccountId account, long revision, AccountRequest request) {
        TenantId tenant = by.tenant();
        return sessions.write(
                        tenant,
                        session -> requireActive(session)
                                .chain(() -> session.find(
                                        AccountEntity.class, account.value(), LockModeType.PESSIMISTIC_WRITE))
                                .invoke(found -> {
                                    if (found == null || found.revision != revision) {
                                        throw Problem.conflict(
                                                "another request changed the account meanwhile; read it again, then repeat the change");
                                    }
                                })
                                .call(found -> movesTo(found, request)
                                        ? stock.require(session, tenant, Quota.ACCOUNTS, 0)
                                                .chain(() -> markDuplicate(session, found, request))
                                        : Uni.createFrom().voidItem())
                                .invoke(found -> found.change(request))
                                .chain(found -> request.credential()
                                        .map(credential -> store(session, tenant, account, credential))
                                        .orElseGet(() -> Uni.createFrom().voidItem()))
                                .chain(() -> AuditAppend.append(session, by.entry(account.toString()))))
                .invoke(publisher::publishSoon);
    }

    /** Whether the account will sync another mailbox. */
    private static boolean movesTo(AccountEntity account, AccountRequest request) {
        return !MailboxIdentity.of(request.settings()).text().equals(account.mailboxIdentity);
    }

    /**
     * Deletes the account and waits for up to {@link AccountErasure#WAIT_MAX} until all of its rows are deleted; a job deletes what is left.
     * Fails with a 404 problem.
     */
    Uni<Void> delete(AuthenticatedRequest by, AccountId account) {
        TenantId tenant = by.tenant();
        return sessions.write(
                        tenant,
                        session -> remove(session, tenant, account)
                                .chain(() -> AuditAppend.append(session, by.entry(account.toString()))))
                .invoke(publisher::publishSoon)
                .call(() -> erasure.erased(tenant, account));
    }

    private static Uni<Void> remove(Mutiny.Session session, TenantId tenant, AccountId account) {
        return SessionChangeLog.lock(session, account)
                .chain(() -> session.find(AccountEntity.class, account.value(), LockModeType.PESSIMISTIC_WRITE))
                .onItem()
                .ifNull()
                .failWith(() -> Problem.notFound("account"))
                .chain(session::remove)
                .chain(() -> session.persist(new AccountTombstoneEntity(tenant, account)));
    }

    private Uni<Void> store(Mutiny.Session session, TenantId tenant, AccountId account, Credential credential) {
        byte[] ciphertext = cipher.encrypt(tenant, account, credential);
        return session.find(CredentialEntity.class, account.value()).chain(found -> {
            CredentialEntity row = found == null ? new CredentialEntity(tenant, account) : found;
            row.set(credential.kind(), ciphertext, Instant.now());
            return found == null ? session.persist(row) : Uni.createFrom().voidItem();
        });
    }
}
