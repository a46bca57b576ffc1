package org.postbus.writer;

import io.vertx.core.Vertx;
import io.vertx.pgclient.SslMode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.ChangeEvent.MailboxCreated;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.change.ChangeEvent.MailboxUpdated;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.kit.sql.PostgresSettings;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.apply.TimeOrderedIds;
import org.postbus.writer.table.WriterDatabase;

/** A new account in the shared database, with a claim under which batches are applied. */
public final class TestAccount {
    public static final Instant NOW = Instant.parse("2026-05-01T10:00:00Z");

    private static final Vertx VERTX = Vertx.vertx();
    private static final Database SHARED = DevStack.postgres().database();
    private static final WriterDatabase DATABASE = connect(SHARED);
    public static final TenantTransactions TRANSACTIONS = DATABASE.transactions();
    public static final BatchApplier APPLIER = new BatchApplier(TRANSACTIONS, new TimeOrderedIds(Clock.systemUTC()));

    public final TenantId tenant;
    public final AccountId account = new AccountId(UUID.randomUUID());
    private final Database postgres;
    private final WriterDatabase database;
    private final BatchApplier applier;
    private long fence = 1;
    private long seq;

    private TestAccount(TenantId tenant, Database postgres, WriterDatabase database, BatchApplier applier) {
        this.tenant = tenant;
        this.postgres = postgres;
        this.database = database;
        this.applier = applier;
    }

    private static WriterDatabase connect(Database postgres) {
        return WriterDatabase.connect(
                VERTX,
                new PostgresSettings(
                        postgres.url(),
                        Role.WRITER.user(),
                        Optional.of(postgres.password(Role.WRITER)),
                        SslMode.DISABLE,
                        Optional.empty(),
                        false));
    }

    public static TestAccount create() {
        return createOf(new TenantId(UUID.randomUUID()));
    }

    /** Another account of the tenant. */
    public static TestAccount createOf(TenantId tenant) {
        return entered(new TestAccount(tenant, SHARED, DATABASE, APPLIER));
    }

    /** A new account in the given database; {@link #closeDatabase} closes its connections. */
    public static TestAccount createIn(Database postgres) {
        WriterDatabase database = connect(postgres);
        return entered(new TestAccount(
                new TenantId(UUID.randomUUID()),
                postgres,
                database,
                new BatchApplier(database.transactions(), new TimeOrderedIds(Clock.systemUTC()))));
    }

    public void closeDatabase() {
        database.close();
    }

    private static TestAccount entered(TestAccount created) {
        created.update(
                "insert into tenant (tenant_id, name) values (?, 'test') on conflict do nothing",
                created.tenant.value());
        created.update(
                "insert into account (account_id, tenant_id, protocol, email, settings) values (?, ?, 'imap', 'a@example.com', '{}')",
                created.account.value(),
                created.tenant.value());
        created.update(
                "insert into account_sync (account_id, tenant_id, fence) values (?, ?, 1)",
                created.account.value(),
                created.tenant.value());
        return created;
    }

    /** As the gateway does: the account's row, then its other rows. */
    public void delete() {
        update("delete from account where account_id = ?", account.value());
        try (Connection connection = postgres.connectAsAdmin();
                PreparedStatement tenantOf = connection.prepareStatement("select set_config('app.tenant', ?, false)");
                PreparedStatement erase = connection.prepareStatement("select erase_account_rows(?, 10000)")) {
            tenantOf.setString(1, tenant.toString());
            tenantOf.executeQuery();
            erase.setObject(1, account.value());
            erase.executeQuery();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** Applies the observations as the next batch and returns the number of changes. */
    public long apply(Observation... observations) {
        return apply(Arrays.asList(observations));
    }

    public long apply(List<Observation> observations) {
        ObservationBatch batch = nextBatch(observations);
        long changes = 0;
        while (true) {
            switch (applier.apply(batch, NOW)) {
                case Outcome.Applied applied -> {
                    return changes + applied.changes();
                }
                case Outcome.AppliedInPart part -> changes += part.changes();
                case Outcome other -> throw new AssertionError("not applied but " + other);
            }
        }
    }

    public ObservationBatch nextBatch(List<Observation> observations) {
        seq++;
        return new ObservationBatch(tenant, account, fence, seq, observations);
    }

    public ObservationBatch batch(long batchFence, long batchSeq, Observation... observations) {
        return new ObservationBatch(tenant, account, batchFence, batchSeq, Arrays.asList(observations));
    }

    /** Claims the account anew, as a fetcher does. */
    public void claim() {
        update("update account_sync set fence = fence + 1, applied_seq = 0 where account_id = ?", account.value());
        fence = number("select fence from account_sync where account_id = ?");
        seq = 0;
    }

    public MutationId mutation(String emailId, String state, String kind, String patch) {
        MutationId mutation = new MutationId(UUID.fromString(text("select uuidv7() where ?::uuid is not null")));
        update(
                "insert into pending_changes (account_id, tenant_id, mutation_id, email_id, kind, state, patch)"
                        + " values (?, ?, ?, ?, ?, ?, ?::jsonb)",
                account.value(),
                tenant.value(),
                mutation.value(),
                UUID.fromString(emailId),
                kind,
                state,
                patch);
        return mutation;
    }

    /** @param pass the number of the sync pass that had begun when the server accepted it */
    public MutationId appliedMutation(String emailId, long pass) {
        MutationId mutation = mutation(emailId, "applied", "update", "{\"keywords\":{\"$seen\":true}}");
        update("update pending_changes set applied_pass = ? where mutation_id = ?", pass, mutation.value());
        return mutation;
    }

    public List<ChangeEvent> changes() {
        List<ChangeEvent> changes = new ArrayList<>();
        query("select data from change_log where account_id = ? order by seq", row -> {
            changes.add(EventCodec.decode(row.getString(1), ChangeEvent.class));
        });
        return changes;
    }

    public List<ChangeEvent> changesAfter(long after) {
        return changes().stream().filter(change -> change.seq() > after).toList();
    }

    public List<String> types() {
        return changes().stream()
                .map(change -> ChangeEvent.typeOf(change.change()))
                .toList();
    }

    public long lastSeq() {
        return number("select change_seq from account_sync where account_id = ?");
    }

    /** The state of a subscriber that has received every event. */
    public record World(Map<String, Mailbox> mailboxes, Map<String, Email> emails) {}

    public World folded() {
        World world = new World(new TreeMap<>(), new TreeMap<>());
        long expected = 0;
        for (ChangeEvent event : changes()) {
            expected++;
            if (event.seq() != expected) {
                throw new AssertionError("seq " + event.seq() + " where " + expected + " was expected");
            }
            switch (event.change()) {
                case MailboxCreated created ->
                    put(world.mailboxes(), created.mailbox().id().toString(), null, created.mailbox());
                case MailboxUpdated updated ->
                    put(world.mailboxes(), updated.mailbox().id().toString(), updated.previous(), updated.mailbox());
                case MailboxDestroyed destroyed ->
                    world.mailboxes().remove(destroyed.mailboxId().toString());
                case ChangeEvent.MailboxReset reset -> {}
                case EmailCreated created ->
                    put(world.emails(), created.email().id().toString(), null, created.email());
                case EmailUpdated updated -> {
                    Email before = world.emails().get(updated.email().id().toString());
                    updated.keywords().ifPresent(changed -> mustEqual(before.keywords(), changed.oldValue()));
                    updated.keywords()
                            .ifPresent(changed -> mustEqual(updated.email().keywords(), changed.newValue()));
                    updated.mailboxIds().ifPresent(changed -> mustEqual(before.mailboxIds(), changed.oldValue()));
                    updated.mailboxIds()
                            .ifPresent(changed -> mustEqual(updated.email().mailboxIds(), changed.newValue()));
                    updated.threadId().ifPresent(changed -> mustEqual(before.threadId(), changed.oldValue()));
                    updated.threadId()
                            .ifPresent(changed -> mustEqual(updated.email().threadId(), changed.newValue()));
                    put(world.emails(), updated.email().id().toString(), before, updated.email());
                }
                case EmailDestroyed destroyed -> {
                    if (world.emails().remove(destroyed.emailId().toString()) == null) {
                        throw new AssertionError("destroyed, but unknown");
                    }
                }
                case ChangeEvent.AccountSynced synced -> {}
                case ChangeEvent.AccountStateChanged changed -> {}
                case ChangeEvent.AccountDeleted deleted -> {}
                case ChangeEvent.MutationConfirmed confirmed -> {}
                case ChangeEvent.MutationRejected rejected -> {}
                case ChangeEvent.MutationFailed failed -> {}
                case ChangeEvent.MutationDiscarded discarded -> {}
                case ChangeEvent.SubmissionQueued queued -> {}
                case ChangeEvent.SubmissionSent sent -> {}
                case ChangeEvent.SubmissionRejected rejected -> {}
                case ChangeEvent.SubmissionFailed failed -> {}
                case ChangeEvent.SubmissionInDoubt inDoubt -> {}
                case ChangeEvent.SubmissionCanceled canceled -> {}
            }
        }
        return world;
    }

    /** The same state according to the tables. An unlinked email is in the mailboxes that were emitted last. */
    public World stored() {
        Map<String, Map<MailboxId, Boolean>> links = new HashMap<>();
        query(
                "select distinct email_id, mailbox_id from email_mailbox where account_id = ?",
                row -> links.computeIfAbsent(row.getString(1), id -> new HashMap<>())
                        .put(MailboxId.of(row.getString(2)), true));
        World world = new World(new TreeMap<>(), new TreeMap<>());
        query("""
                select email_id, thread_id, size, received_at, keywords, headers::text, has_attachment, preview, unlinked_from
                from email where account_id = ?""", row -> {
            Map<Keyword, Boolean> keywords = new HashMap<>();
            for (String keyword : (String[]) row.getArray(5).getArray()) {
                keywords.put(Keyword.of(keyword), true);
            }
            Map<MailboxId, Boolean> in = links.computeIfAbsent(row.getString(1), id -> new HashMap<>());
            if (row.getArray(9) != null) {
                for (UUID mailbox : (UUID[]) row.getArray(9).getArray()) {
                    in.put(new MailboxId(mailbox), true);
                }
            }
            world.emails()
                    .put(
                            row.getString(1),
                            new Email(
                                    EmailId.of(row.getString(1)),
                                    row.getString(2),
                                    in,
                                    keywords,
                                    row.getLong(3),
                                    row.getTimestamp(4).toInstant(),
                                    EventCodec.decode(row.getString(6), EmailHeaders.class),
                                    row.getBoolean(7),
                                    row.getString(8)));
        });
        query(
                """
                select mailbox_id, name, parent_id, path, role, sort_order, total_emails, unread_emails, is_subscribed
                from mailbox where account_id = ?""",
                row -> world.mailboxes()
                        .put(
                                row.getString(1),
                                new Mailbox(
                                        MailboxId.of(row.getString(1)),
                                        row.getString(2),
                                        Optional.ofNullable(row.getString(3)).map(MailboxId::of),
                                        row.getString(4),
                                        Optional.ofNullable(row.getString(5)).flatMap(MailboxRole::find),
                                        row.getLong(6),
                                        row.getLong(7),
                                        row.getLong(8),
                                        row.getBoolean(9))));
        return world;
    }

    /** By mailbox path, the message ids and keywords of its emails. */
    public Map<String, List<String>> contents() {
        Map<String, List<String>> contents = new TreeMap<>();
        query(
                """
                select m.path, e.message_id, e.keywords from email_mailbox l
                join mailbox m using (account_id, mailbox_id) join email e using (account_id, email_id)
                where l.account_id = ?""",
                row -> contents.computeIfAbsent(row.getString(1), path -> new ArrayList<>())
                        .add(row.getString(2) + " "
                                + new TreeSet<>(
                                        Set.of((String[]) row.getArray(3).getArray()))));
        contents.values().forEach(list -> list.sort(null));
        return contents;
    }

    /** Mailboxes and UIDVALIDITYs for which {@code mailbox_links} has another count than there are links. */
    public long countsThatDiffer() {
        return number("""
                select count(*) from (
                  select mailbox_id, uidvalidity, count(*) as links from email_mailbox where account_id = ? group by 1, 2) l
                full join (
                  select c.mailbox_id, c.uidvalidity, c.links from mailbox_links c
                  where c.account_id = '%s') c using (mailbox_id, uidvalidity)
                where l.links is distinct from c.links""".formatted(account));
    }

    public String emailIdOf(String messageId) {
        List<String> ids = new ArrayList<>();
        query(
                "select email_id from email where account_id = ? and message_id = '" + messageId + "'",
                row -> ids.add(row.getString(1)));
        if (ids.size() != 1) {
            throw new AssertionError(ids.size() + " emails with message id " + messageId);
        }
        return ids.getFirst();
    }

    /** A number; the only parameter is the account. */
    public long number(String sql) {
        long[] number = new long[1];
        query(sql, row -> number[0] = row.getLong(1));
        return number[0];
    }

    public String text(String sql) {
        String[] text = new String[1];
        query(sql, row -> text[0] = row.getString(1));
        return text[0];
    }

    public interface RowReader {
        void read(ResultSet row) throws SQLException;
    }

    public void query(String sql, RowReader reader) {
        try (Connection connection = postgres.connectAsAdmin();
                var statement = connection.prepareStatement(sql)) {
            statement.setObject(1, account.value());
            ResultSet rows = statement.executeQuery();
            while (rows.next()) {
                reader.read(rows);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public int update(String sql, Object... parameters) {
        try (Connection connection = postgres.connectAsAdmin();
                var statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <T> void put(Map<String, T> map, String id, T expectedBefore, T value) {
        mustEqual(map.put(id, value), expectedBefore);
    }

    private static void mustEqual(Object one, Object other) {
        if (!Objects.equals(one, other)) {
            throw new AssertionError(one + " is not " + other);
        }
    }
}
