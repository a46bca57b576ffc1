package org.postbus.writer.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

/** Statements find their rows by index, with any statistics that PostgreSQL may have when it plans them. */
class IndexUseTest {
    private static final String FILLED_TABLES =
            "'email', 'email_mailbox', 'email_body', 'attachment', 'thread_reference'";

    /** The plans are made while the tables are empty, and must be right when they are filled. */
    @Test
    void emails_are_found_one_by_one_in_a_database_without_statistics() throws Exception {
        var fresh = DevStack.postgres().freshDatabase();
        assertThatRowsAreFoundOneByOne(fresh);
    }

    /**
     * After a large account has been deleted, the statistics say that the tables are empty, while the indexes keep their height. An index with
     * fewer rows is lower and has lower estimated costs, although it leads to every row of the account instead of one.
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

    private static void assertThatRowsAreFoundOneByOne(Database database) throws Exception {
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
        account.delete();
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

    /** The plan is made while there are no mutations, and must be right when an account has had many. */
    @Test
    void mutations_are_found_by_email_in_an_account_with_many_old_ones() throws Exception {
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
            assertThat(read.getLong(2)).as("mutations read").isLessThan(100);
        }
    }

    /** Confirming costs O(confirmed): other applied mutations, and those that are confirmed already, are not read. */
    @Test
    void a_pass_reads_only_the_mutations_that_it_confirms() throws Exception {
        var database = DevStack.postgres().freshDatabase();
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("alter table pending_changes set (autovacuum_enabled = off)");
        }
        TestAccount account = TestAccount.createIn(database);
        account.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "m@x"));
        account.apply(Observations.pass(1));
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            String insert =
                    "insert into pending_changes (account_id, tenant_id, email_id, kind, state, applied_pass) select '"
                            + account.account + "', '" + account.tenant
                            + "', uuidv7(), 'update', '%s', %d from generate_series(1, %d)";
            statement.execute(insert.formatted("confirmed", 1, 2000));
            statement.execute(insert.formatted("applied", 100, 2000));
            statement.execute(insert.formatted("applied", 1, 5));
            statement.execute(insert.formatted("queued", 1, 2000));
        }

        for (int i = 0; i < 10; i++) {
            account.apply(Observations.pass(2 + i));
        }

        account.closeDatabase();
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement();
                var read = statement.executeQuery("select sum(idx_scan), sum(idx_tup_read) from pg_stat_user_indexes"
                        + " where relname = 'pending_changes'")) {
            read.next();
            assertThat(read.getLong(1)).isGreaterThanOrEqualTo(10);
            assertThat(read.getLong(2)).as("mutations read").isLessThan(100);
        }
        assertThat(account.number("select count(*) from pending_changes where account_id = ? and applied_pass = 1"
                        + " and state = 'applied'"))
                .isZero();
    }

    /** An account may have thousands of mailboxes; a flag change concerns one, the end of a pass none. */
    @Test
    void a_flag_change_reads_the_mailbox_that_it_needs() throws Exception {
        var database = DevStack.postgres().freshDatabase();
        TestAccount account = TestAccount.createIn(database);
        List<Observation> mailboxes = new ArrayList<>(List.of(Observations.mailbox(INBOX)));
        for (int i = 0; i < 1000; i++) {
            mailboxes.add(Observations.mailbox(MailboxKey.ofRawName("M" + i)));
        }
        mailboxes.add(Observations.imap(INBOX, 1, "m@x"));
        account.apply(mailboxes);
        long before = mailboxesRead(database);

        for (int i = 0; i < 10; i++) {
            account.apply(Observations.state(INBOX, 1, "change" + i));
            account.apply(Observations.pass());
        }
        account.closeDatabase();

        // All mailboxes for each batch would be 20,000. The counts of a connection are reported late, so some are of
        // the
        // preparation.
        assertThat(mailboxesRead(database) - before).isBetween(10L, 5000L);
        assertThat(account.contents().get("INBOX")).containsExactly("m@x [change9]");
    }

    private static long mailboxesRead(Database database) throws Exception {
        try (var connection = database.connectAsAdmin();
                var statement = connection.createStatement()) {
            statement.execute("select pg_stat_force_next_flush()");
            try (var read = statement.executeQuery("""
                    select coalesce(sum(i.idx_tup_read), 0) + (select seq_tup_read from pg_stat_user_tables where relname = 'mailbox')
                    from pg_stat_user_indexes i where i.relname = 'mailbox'""")) {
                read.next();
                return read.getLong(1);
            }
        }
    }
}
