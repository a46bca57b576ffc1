package org.postbus.fetcher;

import io.smallrye.mutiny.Uni;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.postbus.devstack.Database;
import org.postbus.event.EmailRef;
import org.postbus.event.EventCodec;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation;
import org.postbus.event.ObservationBatch;
import org.postbus.event.ObservedEmail;
import org.postbus.event.ObservedMailbox;
import org.postbus.model.AccountId;
import org.postbus.model.Keyword;

/**
 * Takes the place of Kafka and the writer: acknowledges batches at once and applies them in order, row by row, in the plainest
 * way that observes the contract. It checks that the batches under a fence have no gap and stay within their limits; the
 * first breach is kept for the test to find.
 */
final class StandInWriter implements AutoCloseable {
    private final ExecutorService applying = Executors.newSingleThreadExecutor();
    private final Connection connection;
    private final List<ObservationBatch> applied = new CopyOnWriteArrayList<>();
    private final AtomicReference<Throwable> breach = new AtomicReference<>();
    private volatile boolean held;

    StandInWriter(Database database) throws SQLException {
        connection = database.connectAsAdmin();
        connection.setAutoCommit(false);
    }

    Uni<Void> accept(EncodedBatch batch) {
        applying.execute(() -> {
            try {
                while (held) {
                    Thread.sleep(5);
                }
                apply(batch);
            } catch (Exception | Error e) {
                breach.compareAndSet(null, e);
            }
        });
        return Uni.createFrom().voidItem();
    }

    /** While it is held, nothing is applied. */
    void hold(boolean held) {
        this.held = held;
    }

    List<ObservationBatch> applied() {
        return applied;
    }

    List<Observation> observations() {
        return applied.stream().flatMap(batch -> batch.observations().stream()).toList();
    }

    void assertNoBreach() {
        if (breach.get() != null) {
            throw new AssertionError("the contract was broken", breach.get());
        }
    }

    private void apply(EncodedBatch encoded) throws SQLException {
        if (encoded.json().length > ObservationBatch.BYTES_MAX) {
            throw new AssertionError("a batch of " + encoded.json().length + " bytes");
        }
        ObservationBatch batch = EventCodec.decode(encoded.json(), ObservationBatch.class);
        AccountId account = batch.accountId();
        long[] at = new long[2];
        query(
                "select fence, applied_seq from account_sync where account_id = ? for update",
                row -> {
                    at[0] = row.getLong(1);
                    at[1] = row.getLong(2);
                },
                account.value());
        if (batch.fence() < at[0]) {
            connection.rollback();
            return;
        }
        if (batch.fence() != at[0] || batch.seq() != at[1] + 1) {
            throw new AssertionError(
                    "fence " + batch.fence() + " seq " + batch.seq() + " after " + at[0] + "/" + at[1]);
        }
        for (Observation observation : batch.observations()) {
            apply(batch, observation);
        }
        update("update account_sync set applied_seq = ? where account_id = ?", batch.seq(), account.value());
        connection.commit();
        applied.add(batch);
    }

    private void apply(ObservationBatch batch, Observation observation) throws SQLException {
        UUID account = batch.accountId().value();
        UUID tenant = batch.tenantId().value();
        switch (observation) {
            case Observation.MailboxObserved(ObservedMailbox mailbox) -> {
                if (mailbox.renamedFrom().isPresent()) {
                    update(
                            "update mailbox set server_key = ? where account_id = ? and server_key = ?",
                            mailbox.key().value(),
                            account,
                            mailbox.renamedFrom().get().value());
                }
                UUID parent =
                        mailbox.parent().map(key -> mailboxId(account, key)).orElse(null);
                if (mailboxId(account, mailbox.key()) == null) {
                    update(
                            "insert into mailbox (account_id, tenant_id, server_key, name, path) values (?, ?, ?, '', '')",
                            account,
                            tenant,
                            mailbox.key().value());
                }
                update(
                        """
                        update mailbox set raw_name = ?, name = ?, parent_id = ?, role = ?, sort_order = ?, is_subscribed = ?,
                          selectable = ?, total_emails = ?, unread_emails = ? where account_id = ? and server_key = ?""",
                        mailbox.rawName().orElse(null),
                        mailbox.name(),
                        parent,
                        mailbox.role().map(role -> role.wireName()).orElse(null),
                        mailbox.sortOrder(),
                        mailbox.isSubscribed(),
                        mailbox.selectable(),
                        mailbox.totalEmails(),
                        mailbox.unreadEmails(),
                        account,
                        mailbox.key().value());
            }
            case Observation.MailboxVanished(MailboxKey mailbox) ->
                update("delete from mailbox where account_id = ? and server_key = ?", account, mailbox.value());
            case Observation.MailboxReset(MailboxKey mailbox, long uidValidity) ->
                update(
                        "delete from email_mailbox where account_id = ? and mailbox_id = ? and uidvalidity <> ?",
                        account,
                        mailboxId(account, mailbox),
                        uidValidity);
            case Observation.EmailObserved observed -> email(account, tenant, observed);
            case Observation.EmailStateObserved(var ref, var mailboxes, var keywords, var modSeq) -> {
                UUID email = find(account, ref);
                if (email != null) {
                    state(account, tenant, email, ref, mailboxes, keywords);
                }
            }
            case Observation.UidsVanished(var mailbox, var uidValidity, var ranges) -> {
                for (var range : ranges) {
                    update("""
                            delete from email_mailbox where account_id = ? and mailbox_id = ? and uidvalidity = ?
                              and uid between ? and ?""", account, mailboxId(account, mailbox), uidValidity, range.first(), range.last());
                }
            }
            case Observation.EmailsDestroyed(List<String> ids) -> {
                for (String id : ids) {
                    update("delete from email where account_id = ? and identity = ?", account, "jmap:" + id);
                }
            }
            case Observation.ScopeSynced(var scope, var cursor) ->
                update("""
                        insert into sync_state (account_id, scope, tenant_id, cursor) values (?, ?, ?, ?::jsonb)
                        on conflict (account_id, scope) do update set cursor = excluded.cursor""", account, scope.value(), tenant, EventCodec.encodeToString(cursor));
            case Observation.PassFinished pass ->
                update(
                        "update account_sync set pass = pass + 1, initial_done = initial_done or ? where account_id = ?",
                        pass.initialRunEnded(),
                        account);
            case Observation.AccountStateObserved state ->
                update(
                        "update account_sync set state = ?, last_error = ?, push = ? where account_id = ?",
                        state.state().wireName(),
                        state.error().orElse(null),
                        state.push().map(push -> push.wireName()).orElse(null),
                        account);
        }
    }

    private void email(UUID account, UUID tenant, Observation.EmailObserved observed) throws SQLException {
        UUID email = find(account, observed.ref());
        ObservedEmail content = observed.email();
        if (email == null && content.identity().isPresent()) {
            email = one(
                    "select email_id from email where account_id = ? and identity = ?",
                    account,
                    content.identity().get());
        }
        if (email == null) {
            email = UUID.randomUUID();
            update(
                    """
                    insert into email (account_id, email_id, tenant_id, identity, thread_id, message_id, size, received_at,
                      headers, has_attachment, preview) values (?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?)""",
                    account,
                    email,
                    tenant,
                    content.identity().orElse(null),
                    UUID.randomUUID(),
                    content.headers().messageId().stream().findFirst().orElse(null),
                    content.size(),
                    Timestamp.from(content.receivedAt()),
                    EventCodec.encodeToString(content.headers()),
                    content.hasAttachment(),
                    content.preview());
        }
        state(account, tenant, email, observed.ref(), observed.mailboxes(), observed.keywords());
    }

    private void state(
            UUID account, UUID tenant, UUID email, EmailRef ref, Set<MailboxKey> mailboxes, Set<Keyword> keywords)
            throws SQLException {
        update(
                "update email set keywords = ? where account_id = ? and email_id = ?",
                keywords.stream().map(Keyword::value).sorted().toArray(String[]::new),
                account,
                email);
        long uid = 0;
        long uidValidity = 0;
        if (ref instanceof EmailRef.ImapMessage message) {
            uid = message.uid();
            uidValidity = message.uidValidity();
        } else {
            update("delete from email_mailbox where account_id = ? and email_id = ?", account, email);
        }
        for (MailboxKey key : mailboxes) {
            UUID mailbox = mailboxId(account, key);
            if (mailbox == null) {
                throw new AssertionError("an email in a mailbox that was not observed: " + key);
            }
            update("""
                    insert into email_mailbox (account_id, mailbox_id, uid, email_id, tenant_id, uidvalidity, received_at)
                    values (?, ?, ?, ?, ?, ?, now()) on conflict do nothing""", account, mailbox, uid, email, tenant, uidValidity);
        }
    }

    private UUID find(UUID account, EmailRef ref) throws SQLException {
        return switch (ref) {
            case EmailRef.JmapEmail(String id) ->
                one("select email_id from email where account_id = ? and identity = ?", account, "jmap:" + id);
            case EmailRef.ImapMessage(MailboxKey mailbox, long uidValidity, long uid) ->
                one("""
                        select email_id from email_mailbox where account_id = ? and mailbox_id = ? and uidvalidity = ?
                          and uid = ?""", account, mailboxId(account, mailbox), uidValidity, uid);
        };
    }

    private UUID mailboxId(UUID account, MailboxKey key) {
        try {
            return one("select mailbox_id from mailbox where account_id = ? and server_key = ?", account, key.value());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private UUID one(String sql, Object... arguments) throws SQLException {
        UUID[] found = new UUID[1];
        query(sql, row -> found[0] = row.getObject(1, UUID.class), arguments);
        return found[0];
    }

    @FunctionalInterface
    interface RowUse {
        void use(ResultSet row) throws SQLException;
    }

    private void query(String sql, RowUse use, Object... arguments) throws SQLException {
        query(connection, sql, use, arguments);
    }

    static void query(Connection connection, String sql, RowUse use, Object... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    use.use(rows);
                }
            }
        }
    }

    private void update(String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                if (arguments[i] instanceof String[] texts) {
                    statement.setArray(i + 1, connection.createArrayOf("text", texts));
                } else {
                    statement.setObject(i + 1, arguments[i]);
                }
            }
            statement.executeUpdate();
        }
    }

    private static final String PATHS = """
            with recursive paths as (
              select account_id, mailbox_id, name as path, selectable from mailbox where parent_id is null
              union all
              select m.account_id, m.mailbox_id, p.path || '.' || m.name, m.selectable
              from mailbox m join paths p on m.account_id = p.account_id and m.parent_id = p.mailbox_id)
            """;

    /** By the names of a mailbox from the root, joined by dots, its messages as {@link #line}s, sorted. */
    static Map<String, List<String>> content(Database database, AccountId account) {
        Map<String, List<String>> content = new TreeMap<>();
        try (Connection reading = database.connectAsAdmin()) {
            query(
                    reading,
                    PATHS + "select path from paths where account_id = ? and selectable",
                    row -> content.put(row.getString(1), new ArrayList<>()),
                    account.value());
            query(
                    reading,
                    PATHS + """
                            select p.path, e.message_id, e.keywords from email_mailbox l
                            join paths p using (account_id, mailbox_id) join email e using (account_id, email_id)
                            where account_id = ?""",
                    row -> content.computeIfAbsent(row.getString(1), unused -> new ArrayList<>())
                            .add(line(Optional.ofNullable(row.getString(2)).orElse(""), Set.of((String[])
                                    row.getArray(3).getArray()))),
                    account.value());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        content.values().forEach(lines -> lines.sort(null));
        return content;
    }

    static String line(String messageId, Set<String> keywords) {
        return messageId + " " + new TreeSet<>(keywords).stream().collect(Collectors.joining(","));
    }

    @Override
    public void close() throws SQLException {
        applying.shutdownNow();
        connection.close();
    }
}
