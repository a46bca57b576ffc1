package org.postbus.fetcher.store;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.postbus.account.AccountSettings;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.MailboxRole;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.SyncScope;

/**
 * Claims of accounts, the numbers of their passes, and which accounts wait for Kafka: all that this service writes to the database. Every method that fails throws {@code
 * InfrastructureFailureException}.
 */
public final class ClaimStore {
    private final TenantTransactions transactions;
    private final CredentialCipher cipher;

    public ClaimStore(TenantTransactions transactions, CredentialCipher cipher) {
        this.transactions = transactions;
        this.cipher = cipher;
    }

    /**
     * Takes the account over: from now on the writer drops every batch of an earlier claim.
     *
     * @return empty if there is no such account: it was deleted, or is not in the database yet
     */
    public Optional<Claim> claim(TenantId tenant, AccountId account) throws InterruptedException {
        Tuple id = Tuple.of(account.value());
        // Decoded after the transaction: stored data that cannot be decoded are no infrastructure failure.
        Optional<Supplier<Claim>> claim = transactions.runInterruptibly(
                "claiming an account",
                tenant,
                connection -> query(connection, """
                        update account_sync set fence = fence + 1, applied_seq = 0 where account_id = $1
                        returning fence, full_pass_wanted, initial_done, state, last_error, push, retry_at,
                                  limits_exceeded_times, limits_exceeded_revision""", id).compose(claimed -> {
                    if (claimed.size() == 0) {
                        return Future.succeededFuture(Optional.empty());
                    }
                    // Separate statements, after the update: it may have waited for the writer's lock, and only a later
                    // statement's
                    // snapshot holds what the writer committed meanwhile. The update itself would return cursors from
                    // before.
                    return query(connection, "delete from sync_wait where account_id = $1", id)
                            .compose(deleted -> readClaim(
                                    connection,
                                    tenant,
                                    account,
                                    claimed.iterator().next()))
                            .map(Optional::of);
                }));
        return claim.map(Supplier::get);
    }

    /** What was observed of the account has been waiting for Kafka since then. Does nothing if the account was claimed anew. */
    public void waitsForKafka(Claim claim, Instant since) throws InterruptedException {
        transactions.runInterruptibly(
                "storing that an account waits for Kafka",
                claim.tenantId(),
                connection -> query(
                        connection,
                        """
                        insert into sync_wait (account_id, tenant_id, fence, since)
                        select account_id, tenant_id, fence, $3 from account_sync where account_id = $1 and fence = $2
                        on conflict (account_id) do update set fence = excluded.fence, since = excluded.since""",
                        Tuple.of(claim.accountId().value(), claim.fence(), since.atOffset(ZoneOffset.UTC))));
    }

    /** It does not wait any more. */
    public void waitedForKafka(Claim claim) throws InterruptedException {
        transactions.runInterruptibly(
                "storing that an account no longer waits for Kafka",
                claim.tenantId(),
                connection -> query(
                        connection,
                        "delete from sync_wait where account_id = $1 and fence = $2",
                        Tuple.of(claim.accountId().value(), claim.fence())));
    }

    private Future<Supplier<Claim>> readClaim(SqlConnection connection, TenantId tenant, AccountId account, Row sync) {
        Tuple id = Tuple.of(account.value());
        return query(connection, """
                        select a.settings, c.kind, c.ciphertext from account a
                        left join credential c on c.account_id = a.account_id
                        where a.account_id = $1""", id)
                .compose(accounts -> query(connection, "select scope, cursor from sync_state where account_id = $1", id)
                        .compose(cursorRows -> query(connection, """
                                        select m.*, p.server_key as parent_key,
                                               (select coalesce(jsonb_object_agg(c.uidvalidity, c.links), '{}')
                                                from mailbox_links c
                                                where c.account_id = m.account_id and c.mailbox_id = m.mailbox_id) as links
                                        from mailbox m
                                        left join mailbox p on p.account_id = m.account_id and p.mailbox_id = m.parent_id
                                        where m.account_id = $1""", id)
                                .compose(mailboxRows -> query(connection, StoredReadFailures.ALL, id)
                                        .compose(messages -> query(connection, StoredReadFailures.ALL_EMAILS, id)
                                                .map(emails -> () -> claim(
                                                        tenant,
                                                        account,
                                                        sync,
                                                        accounts.iterator().next(),
                                                        cursorRows,
                                                        mailboxRows,
                                                        StoredReadFailures.of(messages, emails)))))));
    }

    private Claim claim(
            TenantId tenant,
            AccountId account,
            Row sync,
            Row settings,
            RowSet<Row> cursorRows,
            RowSet<Row> mailboxRows,
            StoredReadFailures notRead) {
        Map<SyncScope, Cursor> cursors = new HashMap<>();
        cursorRows.forEach(row -> cursors.put(
                SyncScope.of(row.getString("scope")),
                EventCodec.decode(row.getJsonObject("cursor").encode(), Cursor.class)));
        List<MailboxSnapshot> mailboxes = new ArrayList<>();
        mailboxRows.forEach(row -> mailboxes.add(mailbox(row, cursors, notRead)));
        return new Claim(
                tenant,
                account,
                sync.getLong("fence"),
                sync.getBoolean("full_pass_wanted"),
                sync.getBoolean("initial_done"),
                SyncState.of(sync.getString("state")),
                Optional.ofNullable(sync.getString("last_error")),
                Optional.ofNullable(sync.getString("push")).map(PushKind::of),
                Optional.ofNullable(sync.getOffsetDateTime("retry_at")).map(OffsetDateTime::toInstant),
                Optional.of(sync.getInteger("limits_exceeded_times"))
                        .filter(times -> times > 0)
                        .map(times -> new LimitsExceeded(times, sync.getLong("limits_exceeded_revision"))),
                EventCodec.decode(settings.getJsonObject("settings").encode(), AccountSettings.class),
                Optional.ofNullable(settings.getBuffer("ciphertext"))
                        .map(ciphertext ->
                                cipher.decrypt(tenant, account, settings.getString("kind"), ciphertext.getBytes())),
                mailboxes,
                notRead.ofEmails(),
                cursors);
    }

    private static MailboxSnapshot mailbox(Row row, Map<SyncScope, Cursor> cursors, StoredReadFailures notRead) {
        MailboxKey key = MailboxKey.of(row.getString("server_key"));
        Optional<Cursor.Imap> cursor = cursors.get(SyncScope.ofMailbox(key)) instanceof Cursor.Imap imap
                ? Optional.of(imap)
                : Optional.empty();
        JsonObject links = row.getJsonObject("links");
        return new MailboxSnapshot(
                new ObservedMailbox(
                        key,
                        Optional.empty(),
                        Optional.ofNullable(row.getString("raw_name")),
                        row.getString("name"),
                        Optional.ofNullable(row.getString("parent_key")).map(MailboxKey::of),
                        Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                        row.getLong("sort_order"),
                        row.getBoolean("is_subscribed"),
                        row.getBoolean("selectable"),
                        row.getLong("total_emails"),
                        row.getLong("unread_emails")),
                cursor,
                cursor.map(imap -> links.getLong(Long.toString(imap.uidValidity()), 0L))
                        .orElse(0L),
                cursor.map(imap -> notRead.of(key, imap.uidValidity())).orElse(Map.of()));
    }

    /**
     * Persists the number of a pass that is about to begin: one more than the account's last. Must have returned before the pass reads
     * anything from the server, because a mutation that is stamped with a smaller number counts as seen by this pass.
     *
     * <p>The row is not {@code account_sync}'s, which the writer locks while it applies a batch. The commit is durable: if a crash of PostgreSQL
     * lost the number during the pass, a mutation applied later could be stamped with a smaller one and be confirmed wrongly.
     *
     * @throws FenceLostException if the account was claimed anew, or is gone
     */
    public long beginPass(Claim claim) throws InterruptedException {
        BegunPass begun = transactions.runInterruptibly(
                "beginning a pass",
                claim.tenantId(),
                connection -> query(connection, """
                        with pass as (
                          insert into sync_pass (account_id, tenant_id, number)
                          select account_id, tenant_id, 1 from account_sync where account_id = $1 and fence = $2
                          on conflict (account_id) do update set number = sync_pass.number + 1
                          returning number)
                        select coalesce((select fence from account_sync where account_id = $1), 0) as fence,
                               (select number from pass) as number""", Tuple.of(claim.accountId().value(), claim.fence()))
                        .map(rows -> rows.iterator().next())
                        .map(row -> new BegunPass(row.getLong("fence"), Optional.ofNullable(row.getLong("number")))));
        return begun.number().orElseThrow(() -> FenceLostException.overtaken(claim.fence(), begun.fence()));
    }

    /** @param number empty if {@code fence} is not the claim's */
    private record BegunPass(long fence, Optional<Long> number) {}

    /** How far the writer is. A fence of 0 means that the account is gone. */
    public Progress progress(Claim claim) throws InterruptedException {
        return transactions.runInterruptibly(
                "reading an account's progress",
                claim.tenantId(),
                connection -> query(
                                connection,
                                "select fence, applied_seq from account_sync where account_id = $1",
                                Tuple.of(claim.accountId().value()))
                        .map(rows -> rows.size() == 0
                                ? new Progress(0, 0)
                                : new Progress(
                                        rows.iterator().next().getLong("fence"),
                                        rows.iterator().next().getLong("applied_seq"))));
    }

    /** Everything was compared and applied: the cursors can be trusted again, unless the account was claimed anew meanwhile. */
    public void endFullPass(Claim claim) throws InterruptedException {
        transactions.runInterruptibly(
                "ending a full pass",
                claim.tenantId(),
                connection -> query(
                        connection,
                        "update account_sync set full_pass_wanted = false where account_id = $1 and fence = $2",
                        Tuple.of(claim.accountId().value(), claim.fence())));
    }

    private static Future<RowSet<Row>> query(SqlConnection connection, String sql, Tuple parameters) {
        return connection.preparedQuery(sql).execute(parameters);
    }
}
