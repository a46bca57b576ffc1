package org.postbus.fetcher.store;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.postbus.account.AccountSettings;
import org.postbus.account.CredentialCipher;
import org.postbus.event.Cursor;
import org.postbus.event.EmailRef;
import org.postbus.event.EventCodec;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation.EmailStateObserved;
import org.postbus.event.ObservedMailbox;
import org.postbus.event.PushKind;
import org.postbus.event.SyncScope;
import org.postbus.event.SyncState;
import org.postbus.event.UidRange;
import org.postbus.fetcher.imap.message.MoveDetection;
import org.postbus.fetcher.jmap.JmapObservations;
import org.postbus.mail.jmap.JmapMethod.EmailMarks;
import org.postbus.model.AccountId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/**
 * All SQL of this service: claims accounts, and reads what the writer has stored. It changes nothing but the claim. Every
 * transaction names its tenant first, so row-level security lets it see that tenant's rows and no others.
 */
public final class AccountTables {
    /** Above the role's statement_timeout, which ends a statement first. */
    private static final Duration TRANSACTION_TIME_MAX = Duration.ofSeconds(60);
    /** As many mutations are confirmed by one pass; the rest by the next. */
    public static final int CONFIRMED_MAX = 5000;

    /** As many as the pool has connections (application.properties). */
    private static final int TRANSACTIONS_AT_ONCE = 12;

    /**
     * From the emails of account {@code $1} with identities {@code $2}, as {@code e}. The index of identities is prescribed: see
     * {@link #placesOf}.
     */
    private static final String OF_IDENTITIES = """
            from unnest($2::text[]) k(identity)
            cross join lateral (
              select * from email
              where account_id = $1 and identity between k.identity and k.identity
              order by identity offset 0) e""";

    private final Pool pool;
    private final CredentialCipher cipher;
    /**
     * Thousands of accounts begin at the same moment when a fetcher starts. Here they wait in order and for as long as it takes;
     * in the pool's own queue they would run into its time limit together, and come again together.
     */
    private final Semaphore turns = new Semaphore(TRANSACTIONS_AT_ONCE, true);

    public AccountTables(Pool pool, CredentialCipher cipher) {
        this.pool = pool;
        this.cipher = cipher;
    }

    /**
     * Takes the account over: whoever had it before cannot have anything applied any more.
     *
     * @return empty if there is no such account (any more, or yet)
     */
    public Optional<Claim> claim(TenantId tenant, AccountId account) throws InterruptedException {
        Tuple id = Tuple.of(account.value());
        return inTenant(
                "claiming an account",
                tenant,
                connection -> query(connection, """
                        update account_sync set fence = fence + 1, applied_seq = 0 where account_id = $1
                        returning fence, full_pass_wanted, initial_done, state, last_error, push""", id).compose(claimed -> {
                    if (claimed.size() == 0) {
                        return Future.succeededFuture(Optional.empty());
                    }
                    // Statements of their own, after the row is ours: the update may have waited for the writer, and
                    // what
                    // it committed meanwhile is in the snapshot of a later statement only. In one statement with the
                    // update we would read cursors from before that commit.
                    return readClaim(
                                    connection,
                                    tenant,
                                    account,
                                    claimed.iterator().next())
                            .map(Optional::of);
                }));
    }

    private Future<Claim> readClaim(SqlConnection connection, TenantId tenant, AccountId account, Row sync) {
        Tuple id = Tuple.of(account.value());
        return query(connection, """
                        select a.settings, c.kind, c.ciphertext from account a
                        left join credential c on c.account_id = a.account_id
                        where a.account_id = $1""", id)
                .compose(accounts -> query(connection, "select scope, cursor from sync_state where account_id = $1", id)
                        .compose(cursorRows -> query(connection, """
                                        select m.*, p.server_key as parent_key,
                                               (select coalesce(jsonb_object_agg(uidvalidity, links), '{}') from (
                                                  select l.uidvalidity, count(*) as links from email_mailbox l
                                                  where l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                                                  group by l.uidvalidity) counted) as links,
                                               (select coalesce(jsonb_object_agg(uidvalidity, uids), '{}') from (
                                                  select q.uidvalidity, jsonb_agg(q.uid) as uids
                                                  from quarantined_message q
                                                  where q.account_id = m.account_id and q.mailbox_id = m.mailbox_id
                                                  group by q.uidvalidity) aside) as quarantined
                                        from mailbox m
                                        left join mailbox p on p.account_id = m.account_id and p.mailbox_id = m.parent_id
                                        where m.account_id = $1""", id)
                                .map(mailboxRows -> claim(
                                        tenant,
                                        account,
                                        sync,
                                        accounts.iterator().next(),
                                        cursorRows,
                                        mailboxRows))));
    }

    private Claim claim(
            TenantId tenant,
            AccountId account,
            Row sync,
            Row settings,
            RowSet<Row> cursorRows,
            RowSet<Row> mailboxRows) {
        Map<SyncScope, Cursor> cursors = new HashMap<>();
        cursorRows.forEach(row -> cursors.put(
                SyncScope.of(row.getString("scope")),
                EventCodec.decode(row.getJsonObject("cursor").encode(), Cursor.class)));
        List<MailboxSnapshot> mailboxes = new ArrayList<>();
        mailboxRows.forEach(row -> mailboxes.add(mailbox(row, cursors)));
        return new Claim(
                tenant,
                account,
                sync.getLong("fence"),
                sync.getBoolean("full_pass_wanted"),
                sync.getBoolean("initial_done"),
                SyncState.of(sync.getString("state")),
                Optional.ofNullable(sync.getString("last_error")),
                Optional.ofNullable(sync.getString("push")).map(PushKind::of),
                EventCodec.decode(settings.getJsonObject("settings").encode(), AccountSettings.class),
                Optional.ofNullable(settings.getBuffer("ciphertext"))
                        .map(ciphertext ->
                                cipher.decrypt(tenant, account, settings.getString("kind"), ciphertext.getBytes())),
                mailboxes,
                cursors);
    }

    private static MailboxSnapshot mailbox(Row row, Map<SyncScope, Cursor> cursors) {
        MailboxKey key = MailboxKey.of(row.getString("server_key"));
        Optional<Cursor.Imap> cursor = cursors.get(SyncScope.ofMailbox(key)) instanceof Cursor.Imap imap
                ? Optional.of(imap)
                : Optional.empty();
        JsonObject links = row.getJsonObject("links");
        Set<Long> quarantined = new HashSet<>();
        cursor.map(imap -> row.getJsonObject("quarantined").getJsonArray(Long.toString(imap.uidValidity())))
                .ifPresent(uids -> uids.forEach(uid -> quarantined.add(((Number) uid).longValue())));
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
                quarantined);
    }

    /** How far the writer is. A fence of 0 means that the account is gone. */
    public Progress progress(TenantId tenant, AccountId account) throws InterruptedException {
        return inTenant(
                "reading an account's progress",
                tenant,
                connection -> query(
                                connection,
                                "select fence, applied_seq from account_sync where account_id = $1",
                                Tuple.of(account.value()))
                        .map(rows -> rows.size() == 0
                                ? new Progress(0, 0)
                                : new Progress(
                                        rows.iterator().next().getLong("fence"),
                                        rows.iterator().next().getLong("applied_seq"))));
    }

    /**
     * What a pass must know before it begins.
     *
     * @param fence 0 if the account is gone
     * @param applied mutations that the server has taken: a pass that begins later sees their effect
     */
    public record BeforePass(long fence, List<MutationId> applied) {}

    public BeforePass beforePass(TenantId tenant, AccountId account) throws InterruptedException {
        return inTenant(
                "beginning a pass",
                tenant,
                connection -> query(connection, """
                        select s.fence,
                               array(select p.mutation_id from pending_changes p
                                     where p.account_id = s.account_id and p.state = 'applied'
                                     order by p.mutation_id limit $2) as applied
                        from account_sync s where s.account_id = $1""", Tuple.of(account.value(), CONFIRMED_MAX))
                        .map(rows -> {
                            if (rows.size() == 0) {
                                return new BeforePass(0, List.of());
                            }
                            Row row = rows.iterator().next();
                            List<MutationId> applied = new ArrayList<>();
                            for (UUID mutation : row.getArrayOfUUIDs("applied")) {
                                applied.add(new MutationId(mutation));
                            }
                            return new BeforePass(row.getLong("fence"), applied);
                        }));
    }

    /** Everything was compared and applied: the cursors are to be trusted again, unless somebody claimed it meanwhile. */
    public void fullPassDone(TenantId tenant, AccountId account, long fence) throws InterruptedException {
        inTenant(
                "ending a full pass",
                tenant,
                connection -> query(
                        connection,
                        "update account_sync set full_pass_wanted = false where account_id = $1 and fence = $2",
                        Tuple.of(account.value(), fence)));
    }

    /** The UIDs that are linked to a mailbox. */
    public UidSet uids(TenantId tenant, AccountId account, MailboxKey mailbox, long uidValidity) throws InterruptedException {
        return inTenant(
                "reading UIDs",
                tenant,
                connection -> query(connection, """
                        select min(uid) as first, max(uid) as last from (
                          select l.uid, l.uid - row_number() over (order by l.uid) as island
                          from (select distinct e.uid from email_mailbox e
                                join mailbox m on m.account_id = e.account_id and m.mailbox_id = e.mailbox_id
                                where m.account_id = $1 and m.server_key = $2 and e.uidvalidity = $3 and e.uid > 0) l
                        ) islands group by island""", Tuple.of(account.value(), mailbox.value(), uidValidity))
                        .map(rows -> {
                            List<UidRange> ranges = new ArrayList<>();
                            rows.forEach(row -> ranges.add(new UidRange(row.getLong("first"), row.getLong("last"))));
                            return UidSet.of(ranges);
                        }));
    }

    /** The keywords of the messages of a mailbox, by UID. */
    public Map<Long, Set<Keyword>> keywords(
            TenantId tenant, AccountId account, MailboxKey mailbox, long uidValidity, UidRange uids)
            throws InterruptedException {
        return inTenant(
                "reading keywords",
                tenant,
                connection -> query(
                                connection,
                                """
                        select l.uid, coalesce(l.keywords, e.keywords) as keywords from mailbox m
                        join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                        join email e on e.account_id = l.account_id and e.email_id = l.email_id
                        where m.account_id = $1 and m.server_key = $2 and l.uidvalidity = $3
                          and l.uid between $4 and $5""",
                                Tuple.of(account.value(), mailbox.value(), uidValidity, uids.first(), uids.last()))
                        .map(rows -> {
                            Map<Long, Set<Keyword>> keywords = new HashMap<>();
                            rows.forEach(row -> {
                                Set<Keyword> ofMessage = new TreeSet<>();
                                for (String keyword : row.getArrayOfStrings("keywords")) {
                                    ofMessage.add(new Keyword(keyword));
                                }
                                keywords.put(row.getLong("uid"), ofMessage);
                            });
                            return keywords;
                        }));
    }

    /** By UID, the mailboxes that the emails of a mailbox are in by lying there: this one, and those of their labels. */
    public Map<Long, Set<MailboxKey>> mailboxes(
            TenantId tenant, AccountId account, MailboxKey mailbox, long uidValidity, UidRange uids)
            throws InterruptedException {
        return inTenant(
                "reading labels",
                tenant,
                connection -> query(
                                connection,
                                """
                        select l.uid, array(
                          select lm.server_key from email_mailbox o
                          join mailbox lm on lm.account_id = o.account_id and lm.mailbox_id = o.mailbox_id
                          where o.account_id = l.account_id and o.email_id = l.email_id and o.uid = 0) as labels
                        from mailbox m
                        join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id
                        where m.account_id = $1 and m.server_key = $2 and l.uidvalidity = $3
                          and l.uid between $4 and $5""",
                                Tuple.of(account.value(), mailbox.value(), uidValidity, uids.first(), uids.last()))
                        .map(rows -> {
                            Map<Long, Set<MailboxKey>> mailboxes = new HashMap<>();
                            rows.forEach(row -> {
                                Set<MailboxKey> in = new HashSet<>(Set.of(mailbox));
                                for (String label : row.getArrayOfStrings("labels")) {
                                    in.add(MailboxKey.of(label));
                                }
                                mailboxes.put(row.getLong("uid"), in);
                            });
                            return mailboxes;
                        }));
    }

    /** How many emails are in a mailbox by a label, by mailbox; none are left out. */
    public Map<MailboxKey, Long> labelled(TenantId tenant, AccountId account) throws InterruptedException {
        return inTenant(
                "counting labels",
                tenant,
                connection -> query(connection, """
                        select m.server_key, count(*) as emails from mailbox m
                        join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id and l.uid = 0
                        where m.account_id = $1 group by m.server_key""", Tuple.of(account.value())).map(rows -> {
                    Map<MailboxKey, Long> labelled = new HashMap<>();
                    rows.forEach(
                            row -> labelled.put(MailboxKey.of(row.getString("server_key")), row.getLong("emails")));
                    return labelled;
                }));
    }

    /** What the server calls the emails that are in a mailbox by a label. */
    public Set<String> identitiesIn(TenantId tenant, AccountId account, MailboxKey label) throws InterruptedException {
        return inTenant(
                "reading who has a label",
                tenant,
                connection -> query(connection, """
                        select e.identity from mailbox m
                        join email_mailbox l on l.account_id = m.account_id and l.mailbox_id = m.mailbox_id and l.uid = 0
                        join email e on e.account_id = l.account_id and e.email_id = l.email_id
                        where m.account_id = $1 and m.server_key = $2 and e.identity is not null""", Tuple.of(account.value(), label.value()))
                        .map(rows -> {
                            Set<String> identities = new HashSet<>();
                            rows.forEach(row -> identities.add(row.getString("identity")));
                            return identities;
                        }));
    }

    /** Where in a mailbox the emails of these identities lie; those that do not are left out. */
    public List<Long> uidsOf(TenantId tenant, AccountId account, MailboxKey mailbox, long uidValidity, Set<String> identities)
            throws InterruptedException {
        return inTenant(
                "reading where emails lie",
                tenant,
                connection -> query(
                                connection,
                                """
                        select l.uid from unnest($4::text[]) k(identity)
                        join email e on e.account_id = $1 and e.identity = k.identity
                        join email_mailbox l on l.account_id = e.account_id and l.email_id = e.email_id
                        join mailbox m on m.account_id = l.account_id and m.mailbox_id = l.mailbox_id
                        where m.server_key = $2 and l.uidvalidity = $3 and l.uid > 0""",
                                Tuple.of(
                                        account.value(),
                                        mailbox.value(),
                                        uidValidity,
                                        identities.toArray(String[]::new)))
                        .map(rows -> {
                            List<Long> uids = new ArrayList<>();
                            rows.forEach(row -> uids.add(row.getLong("uid")));
                            return uids;
                        }));
    }

    /** How many emails more the server says that a mailbox has than are linked to it, by mailbox; those without a difference left out. */
    public Map<MailboxKey, Long> missing(TenantId tenant, AccountId account) throws InterruptedException {
        return inTenant(
                "counting emails",
                tenant,
                connection -> query(connection, """
                        select server_key, missing from (
                          select m.server_key, m.total_emails - (
                            select count(*) from email_mailbox l
                            where l.account_id = m.account_id and l.mailbox_id = m.mailbox_id) as missing
                          from mailbox m where m.account_id = $1) counted
                        where missing <> 0""", Tuple.of(account.value())).map(rows -> {
                    Map<MailboxKey, Long> missing = new HashMap<>();
                    rows.forEach(
                            row -> missing.put(MailboxKey.of(row.getString("server_key")), row.getLong("missing")));
                    return missing;
                }));
    }

    /** The mailboxes in which emails lie that may be the same as some that have arrived. */
    public Set<MailboxKey> placesOf(TenantId tenant, AccountId account, List<MoveDetection.Arrival> arrivals)
            throws InterruptedException {
        OffsetDateTime[] dates = arrivals.stream()
                .map(arrival -> arrival.receivedAt().atOffset(ZoneOffset.UTC))
                .toArray(OffsetDateTime[]::new);
        Long[] sizes = arrivals.stream().map(MoveDetection.Arrival::size).toArray(Long[]::new);
        return inTenant(
                "looking for copies",
                tenant,
                // The index of dates is prescribed: to a planner without statistics all that begin with the account
                // look alike.
                connection -> query(connection, """
                        select distinct m.server_key
                        from unnest($2::timestamptz[], $3::bigint[]) k(received_at, size)
                        cross join lateral (
                          select email_id, size from email
                          where account_id = $1 and received_at between k.received_at and k.received_at
                          order by received_at desc, email_id desc offset 0) e
                        join email_mailbox l on l.account_id = $1 and l.email_id = e.email_id
                        join mailbox m on m.account_id = $1 and m.mailbox_id = l.mailbox_id
                        where e.size = k.size""", Tuple.of(account.value(), dates, sizes))
                        .map(rows -> {
                            Set<MailboxKey> places = new HashSet<>();
                            rows.forEach(row -> places.add(MailboxKey.of(row.getString("server_key"))));
                            return places;
                        }));
    }

    /**
     * The JMAP ids of all emails of an account that are not destroyed, page by page in an order of the database's; empty at the end.
     *
     * @param after the last id of the page before, empty for the first one
     */
    public List<String> jmapIds(TenantId tenant, AccountId account, String after, int limit) throws InterruptedException {
        String from = after.isEmpty() ? "" : JmapObservations.IDENTITY_PREFIX + after;
        return inTenant(
                "reading JMAP ids",
                tenant,
                connection -> query(connection, """
                        select identity from email
                        where account_id = $1 and identity is not null and identity > $2 and starts_with(identity, $3)
                        order by identity limit $4""", Tuple.of(account.value(), from, JmapObservations.IDENTITY_PREFIX, limit))
                        .map(rows -> {
                            List<String> ids = new ArrayList<>();
                            rows.forEach(row ->
                                    ids.add(row.getString("identity").substring(JmapObservations.IDENTITY_PREFIX.length())));
                            return ids;
                        }));
    }

    /** What is stored of those parts of emails that can change, by JMAP id; emails that are not stored left out. */
    public Map<String, EmailStateObserved> jmapStates(TenantId tenant, AccountId account, Collection<String> jmapIds)
            throws InterruptedException {
        return inTenant(
                "reading where emails lie",
                tenant,
                // The index of emails is prescribed: see placesOf.
                connection -> query(connection, """
                        select e.identity, e.keywords, array(
                          select m.server_key from (
                            select mailbox_id from email_mailbox
                            where account_id = $1 and email_id between e.email_id and e.email_id
                            order by email_id offset 0) l
                          join mailbox m on m.account_id = $1 and m.mailbox_id = l.mailbox_id) as mailboxes
                        """ + OF_IDENTITIES, Tuple.of(account.value(), identities(jmapIds)))
                        .map(rows -> {
                            Map<String, EmailStateObserved> states = new HashMap<>();
                            rows.forEach(row -> {
                                String id = row.getString("identity").substring(JmapObservations.IDENTITY_PREFIX.length());
                                Set<MailboxKey> mailboxes = Arrays.stream(row.getArrayOfStrings("mailboxes"))
                                        .map(MailboxKey::of)
                                        .collect(Collectors.toSet());
                                Set<Keyword> keywords = Arrays.stream(row.getArrayOfStrings("keywords"))
                                        .map(Keyword::of)
                                        .collect(Collectors.toSet());
                                states.put(
                                        id,
                                        new EmailStateObserved(
                                                new EmailRef.JmapEmail(id), mailboxes, keywords, Optional.empty()));
                            });
                            return states;
                        }));
    }

    /** Those of the emails with these JMAP ids that are stored. */
    public List<EmailMarks> jmapMarks(TenantId tenant, AccountId account, Collection<String> jmapIds)
            throws InterruptedException {
        return inTenant(
                "reading what emails are known by",
                tenant,
                connection -> query(connection, """
                        select e.identity, e.blob_id, e.message_id, e.size, e.received_at
                        """ + OF_IDENTITIES, Tuple.of(account.value(), identities(jmapIds)))
                        .map(rows -> {
                            List<EmailMarks> emails = new ArrayList<>();
                            rows.forEach(row -> emails.add(new EmailMarks(
                                    row.getString("identity").substring(JmapObservations.IDENTITY_PREFIX.length()),
                                    Optional.ofNullable(row.getString("blob_id")),
                                    Optional.ofNullable(row.getString("message_id")),
                                    row.getLong("size"),
                                    Optional.of(
                                            row.getOffsetDateTime("received_at").toInstant()))));
                            return emails;
                        }));
    }

    private static Object identities(Collection<String> jmapIds) {
        return jmapIds.stream().map(id -> JmapObservations.IDENTITY_PREFIX + id).toArray(String[]::new);
    }

    private static Future<RowSet<Row>> query(SqlConnection connection, String sql, Tuple arguments) {
        return connection.preparedQuery(sql).execute(arguments);
    }

    private <T> T inTenant(String what, TenantId tenant, Function<SqlConnection, Future<T>> work)
            throws InterruptedException {
        turns.acquire();
        try {
            Future<T> outcome = pool.withConnection(connection -> inTransaction(connection, tenant, work));
            return Await.backend(what, outcome, TRANSACTION_TIME_MAX);
        } finally {
            turns.release();
        }
    }

    /** Statements go out without waiting for each other. PostgreSQL runs them in order, and none that comes after one that failed. */
    private static <T> Future<T> inTransaction(
            SqlConnection connection, TenantId tenant, Function<SqlConnection, Future<T>> work) {
        Future<?> begun = connection.query("begin").execute();
        Future<?> named = connection
                .preparedQuery("select set_config('app.tenant', $1, true)")
                .execute(Tuple.of(tenant.toString()));
        Future<T> worked = Future.succeededFuture(connection).compose(work::apply);
        return Future.join(begun, named, worked)
                .compose(
                        done -> connection.query("commit").execute().map(committed -> worked.result()),
                        failure ->
                                connection.query("rollback").execute().transform(over -> Future.failedFuture(failure)));
    }
}
