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
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.SyncScope;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

class IsolationTest {
    private static final List<String> TABLES = List.of(
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
    void another_tenant_sees_no_row_in_any_table() {
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
    void two_accounts_are_applied_in_parallel_without_deadlock() throws Exception {
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

    @Test
    void deleting_an_account_deletes_its_rows_in_every_table() throws Exception {
        TestAccount account = TestAccount.create();
        account.apply(
                Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "m1@x"), Observations.imap(INBOX, 2, "m2@x"));
        account.apply(Observations.pass());
        List<String> tables = new ArrayList<>();
        try (var connection = DevStack.postgres().database().connectAsAdmin();
                var statement = connection.createStatement()) {
            var rows = statement.executeQuery("""
                    select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
                    where c.column_name = 'account_id' and c.table_schema = 'public' and t.table_type = 'BASE TABLE'
                      and c.table_name not in ('quarantine', 'account_tombstone', 'account_erasure')""");
            while (rows.next()) {
                tables.add(rows.getString(1));
            }
        }
        assertThat(tables)
                .contains("email", "email_mailbox", "email_body", "thread_reference", "change_log", "change_outbox");
        assertThat(account.number("select count(*) from change_log where account_id = ?"))
                .isPositive();

        account.delete();

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
