package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.kit.sql.TestPool.Account;
import org.postbus.model.SubmissionId;

class ChangeLogAppendTest {
    private TestPool database;

    @BeforeEach
    void prepare() throws SQLException {
        database = new TestPool();
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    @Test
    void appended_changes_get_the_next_sequence_numbers_in_order_and_are_due_for_publication() throws SQLException {
        Account account = database.account();
        var transactions = new TenantTransactions(database.pool);

        for (int round = 0; round < 2; round++) {
            Map<UUID, Change> changes = new LinkedHashMap<>();
            for (int i = 0; i < 2; i++) {
                UUID id = UUID.randomUUID();
                changes.put(id, queued(id));
            }
            transactions.run(
                    account.tenant(),
                    connection -> ChangeLogAppend.lock(connection, account.id())
                            .compose(locked ->
                                    ChangeLogAppend.append(connection, account.tenant(), account.id(), changes)));
        }
        transactions.run(
                account.tenant(),
                connection -> ChangeLogAppend.append(connection, account.tenant(), account.id(), Map.of()));

        assertThat(database.rows(
                        "select seq || ' ' || type || ' ' || (data::jsonb ->> 'seq') from change_log order by seq"))
                .containsExactly(
                        "1 submission.queued 1",
                        "2 submission.queued 2",
                        "3 submission.queued 3",
                        "4 submission.queued 4");
        assertThat(database.rows("select first_seq || '-' || last_seq from change_outbox order by first_seq"))
                .containsExactly("1-2", "3-4");
    }

    private static SubmissionQueued queued(UUID id) {
        return new SubmissionQueued(new SubmissionId(id));
    }
}
