package org.postbus.writer.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.ARCHIVE;
import static org.postbus.writer.Observations.INBOX;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.observation.Cursor;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.Observation;
import org.postbus.observation.SyncScope;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

class IndexUseTest {
    private static final List<String> TABLES = List.of(
            "account",
            "account_sync",
            "sync_state",
            "mailbox",
            "email",
            "email_mailbox",
            "email_body",
            "attachment",
            "thread_reference",
            "change_log",
            "change_outbox",
            "sync_log");

    @Test
    void another_tenant_finds_nothing_in_any_table() {
        TestAccount alice = TestAccount.create();
        TestAccount mallory = TestAccount.create();
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, "a@x"),
                new ScopeSynced(SyncScope.ofMailbox(INBOX), new Cursor.Imap(1, 2, Optional.empty(), 1)),
                Observations.pass());

        for (String table : TABLES) {
            String sql = "select count(*) as n from " + table + " where account_id = $1";
            assertThat(count(alice, sql, alice)).as(table).isPositive();
            assertThat(count(mallory, sql, alice)).as(table).isZero();
        }
    }

    @Test
    void two_accounts_that_are_applied_at_once_do_not_wait_for_each_other() throws Exception {
        TestAccount alice = TestAccount.create();
        TestAccount bob = TestAccount.create();
        List<Observation> there = new ArrayList<>(List.of(Observations.mailbox(INBOX), Observations.mailbox(ARCHIVE)));
        for (int uid = 1; uid <= 100; uid++) {
            there.add(Observations.imap(INBOX, uid, "m" + uid + "@x"));
        }
        List<Observation> back = new ArrayList<>(there.subList(0, 2));
        back.addAll(there.subList(2, there.size()).reversed());

        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> both = new ArrayList<>();
            both.add(threads.submit(() -> {
                for (int i = 0; i < 10; i++) {
                    alice.apply(i % 2 == 0 ? there : back);
                }
            }));
            both.add(threads.submit(() -> {
                for (int i = 0; i < 10; i++) {
                    bob.apply(i % 2 == 0 ? back : there);
                }
            }));
            for (Future<?> one : both) {
                one.get();
            }
        }

        assertThat(alice.contents()).isEqualTo(bob.contents());
        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(100);
    }

    private static final String FILLED_TABLES =
            "'email', 'email_mailbox', 'email_body', 'attachment', 'thread_reference'";

    /** The plans are made while the tables are empty, and must still be right when they are not. */
    @Test
    void emails_are_found_one_by_one_in_a_database_without_statistics() throws Exception {
        var fresh = DevStack.postgres().freshDatabase();
        assertThatRowsAreFoundOneByOne(fresh);
    }

    /**
     * After a large account has gone the statistics say that the tables are empty, and the indexes have kept their height: one
     * that holds fewer rows is lower, and to the planner cheaper, though it finds every row of the account instead of one.
     */
    @Test
    void emails_are_found_one_by_one_in_a_database_that_was_emptied() throws Exception {
        var fresh = DevStack.postgres().freshDatabase();
        try (var connection = fresh.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("set session_replication_role = replica");
            String gone = "'00000000-0000-7000-8000-000000000000'::uuid";
            statement.execute("""
                    insert into email (account_id, tenant_id, email_id, identity, thread_id, size, received_at, headers,
                                       has_attachment, preview)
                    select %1$s, %1$s, uuidv7(), 'identity ' || i, %1$s, i, now(), '{}', false, '' from generate_series(1, 60000) i;
                    insert into email_mailbox (account_id, tenant_id, mailbox_id, uid, email_id, received_at)
                    select account_id, %1$s, %1$s, size, email_id, received_at from email;
                    insert into thread_reference (account_id, tenant_id, reference, thread_id)
                    select account_id, %1$s, 'reference ' || size, %1$s from email;
                    delete from email; delete from email_mailbox; delete from thread_reference;
                    """.formatted(gone));
            statement.execute("vacuum analyze");
        }
        assertThatRowsAreFoundOneByOne(fresh);
    }

    private static void assertThatRowsAreFoundOneByOne(org.postbus.devstack.postgres.Database database) throws Exception {
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("alter database " + database.name() + " set track_counts = on");
            for (String table : List.of("email", "email_mailbox", "email_body", "attachment", "thread_reference")) {
                statement.execute("alter table " + table + " set (autovacuum_enabled = off)");
            }
            statement.execute("select pg_stat_reset()");
        }
        TestAccount account = TestAccount.createIn(database);
        int batches = 20;
        int perBatch = 50;
        account.apply(Observations.mailbox(INBOX));
        for (int batch = 0; batch < 2 * batches; batch++) {
            List<Observation> seen = new ArrayList<>();
            for (int i = 0; i < perBatch; i++) {
                int uid = batch % batches * perBatch + i + 1;
                seen.add(Observations.imap(INBOX, uid, "m" + uid + "@x"));
            }
            account.apply(seen);
        }
        account.apply(Observations.vanished(INBOX, 1, 500));
        account.apply(Observations.pass());
        account.apply(Observations.pass());
        account.update("delete from account where account_id = ?", account.account.value());
        account.closeDatabase();

        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            var rows =
                    statement.executeQuery("select relname, sum(seq_tup_read), max(n_live_tup) from pg_stat_user_tables"
                            + " where relname in (" + FILLED_TABLES + ") group by relname");
            while (rows.next()) {
                assertThat(rows.getLong(2))
                        .as(rows.getString(1) + " read from end to end")
                        .isZero();
            }
            rows = statement.executeQuery("select indexrelname, idx_tup_read, idx_scan from pg_stat_user_indexes"
                    + " where relname in (" + FILLED_TABLES + ") and idx_scan > 10");
            while (rows.next()) {
                assertThat(rows.getLong(2)).as(rows.getString(1)).isLessThanOrEqualTo(3 * rows.getLong(3));
            }
        }
    }

    /** The plan is made while there are no wishes, and must still be right when an account has had many. */
    @Test
    void wishes_are_found_by_their_email_however_many_there_were() throws Exception {
        var database = DevStack.postgres().freshDatabase();
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("alter table pending_changes set (autovacuum_enabled = off)");
        }
        TestAccount account = TestAccount.createIn(database);
        account.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "m@x"));
        account.apply(Observations.state(INBOX, 1, "first"));
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("insert into pending_changes (account_id, tenant_id, email_id, kind, state) select '"
                    + account.account + "', '" + account.tenant
                    + "', uuidv7(), 'update', 'confirmed' from generate_series(1, 2000)");
        }

        for (int i = 0; i < 10; i++) {
            account.apply(Observations.state(INBOX, 1, "change" + i));
        }
        account.closeDatabase();

        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement();
                var read = statement.executeQuery("select sum(idx_scan), sum(idx_tup_read) from pg_stat_user_indexes"
                        + " where relname = 'pending_changes'")) {
            read.next();
            assertThat(read.getLong(1)).isGreaterThanOrEqualTo(10);
            assertThat(read.getLong(2)).as("wishes read").isLessThan(100);
        }
    }

    @Test
    void nothing_of_an_account_is_left_when_it_has_gone() throws Exception {
        TestAccount account = TestAccount.create();
        account.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "m1@x"), Observations.imap(INBOX, 2, "m2@x"));
        account.apply(Observations.pass());
        List<String> tables = new ArrayList<>();
        try (var connection = DevStack.postgres().database().connectAsAdmin();
                var statement = connection.createStatement()) {
            var rows = statement.executeQuery("""
                    select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
                    where c.column_name = 'account_id' and c.table_schema = 'public' and t.table_type = 'BASE TABLE'
                      and c.table_name not in ('quarantine', 'account_tombstone')""");
            while (rows.next()) {
                tables.add(rows.getString(1));
            }
        }
        assertThat(tables)
                .contains("email", "email_mailbox", "email_body", "thread_reference", "change_log", "change_outbox");
        assertThat(account.number("select count(*) from change_log where account_id = ?"))
                .isPositive();

        account.update("delete from account where account_id = ?", account.account.value());

        for (String table : tables) {
            assertThat(account.number("select count(*) from " + table + " where account_id = ?"))
                    .as(table)
                    .isZero();
        }
    }

    private static long count(TestAccount as, String sql, TestAccount of) {
        return TestAccount.TRANSACTIONS.call(
                as.tenant,
                transaction -> transaction
                        .run(sql, of.account.value())
                        .iterator()
                        .next()
                        .getLong("n"));
    }
}
