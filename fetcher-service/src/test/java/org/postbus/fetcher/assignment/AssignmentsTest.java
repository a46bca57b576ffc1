package org.postbus.fetcher.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.fetcher.assignment.Assignments.Decision;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.AccountRecord.Protocol;
import org.postbus.topic.AccountRecord.Status;

class AssignmentsTest {
    private final AccountId alice = new AccountId(new UUID(1, 1));
    private final AccountId bob = new AccountId(new UUID(1, 2));
    private final Assignments assignments = new Assignments();

    @Test
    void the_first_record_starts_its_account() {
        assignments.assigned(Set.of(3));
        AccountRecord record = record(alice, Status.ACTIVE, 1);

        Optional<Decision> decision = assignments.observe(3, alice, Optional.of(record));

        assertThat(decision).contains(new Decision.Start(record));
    }

    @Test
    void a_record_of_a_partition_that_is_not_assigned_changes_nothing() {
        assignments.assigned(Set.of(3));

        assertThat(assignments.observe(4, alice, Optional.of(record(alice, Status.ACTIVE, 1))))
                .isEmpty();
    }

    @Test
    void a_higher_revision_restarts() {
        hold(3, record(alice, Status.ACTIVE, 1));
        AccountRecord changed = record(alice, Status.ACTIVE, 2);

        assertThat(assignments.observe(3, alice, Optional.of(changed))).contains(new Decision.Start(changed));
    }

    @Test
    void a_record_with_another_tenant_was_forged() {
        AccountRecord ours = record(alice, Status.ACTIVE, 1);
        hold(3, ours);
        AccountRecord forged =
                new AccountRecord(new TenantId(new UUID(8, 8)), alice, ours.protocol(), Status.ACTIVE, Long.MAX_VALUE);

        assertThat(assignments.observe(3, alice, Optional.of(forged))).isEmpty();
        assertThat(assignments.observe(3, alice, Optional.of(record(alice, Status.ACTIVE, 2))))
                .isPresent();
    }

    @Test
    void another_status_restarts() {
        hold(3, record(alice, Status.ACTIVE, 1));
        AccountRecord paused = record(alice, Status.PAUSED, 1);

        assertThat(assignments.observe(3, alice, Optional.of(paused))).contains(new Decision.Start(paused));
    }

    @Test
    void a_record_without_anything_new_changes_nothing() {
        hold(3, record(alice, Status.ACTIVE, 2));

        assertThat(assignments.observe(3, alice, Optional.of(record(alice, Status.ACTIVE, 2))))
                .isEmpty();
        assertThat(assignments.observe(3, alice, Optional.of(record(alice, Status.ACTIVE, 1))))
                .isEmpty();
    }

    @Test
    void a_tombstone_stops_and_forgets() {
        hold(3, record(alice, Status.ACTIVE, 1));

        assertThat(assignments.observe(3, alice, Optional.empty())).contains(new Decision.Stop(alice));
        assertThat(assignments.observe(3, alice, Optional.empty())).isEmpty();
        AccountRecord again = record(alice, Status.ACTIVE, 1);
        assertThat(assignments.observe(3, alice, Optional.of(again))).contains(new Decision.Start(again));
    }

    @Test
    void a_revoked_partition_stops_its_accounts_and_no_others() {
        hold(3, record(alice, Status.ACTIVE, 1));
        hold(4, record(bob, Status.ACTIVE, 1));

        Set<AccountId> stops = assignments.revoked(Set.of(3));

        assertThat(stops).containsExactly(alice);
        assertThat(assignments.accounts()).isEqualTo(1);
        assertThat(assignments.observe(3, alice, Optional.of(record(alice, Status.ACTIVE, 2))))
                .isEmpty();
    }

    @Test
    void a_partition_that_comes_back_is_rebuilt_from_its_records() {
        hold(3, record(alice, Status.ACTIVE, 1));
        assignments.revoked(Set.of(3));
        assignments.assigned(Set.of(3));
        AccountRecord record = record(alice, Status.ACTIVE, 1);

        assertThat(assignments.observe(3, alice, Optional.of(record))).contains(new Decision.Start(record));
    }

    private void hold(int partition, AccountRecord record) {
        assignments.assigned(Set.of(partition));
        assignments.observe(partition, record.accountId(), Optional.of(record));
    }

    private static AccountRecord record(AccountId account, Status status, long revision) {
        return new AccountRecord(new TenantId(new UUID(9, 9)), account, Protocol.IMAP, status, revision);
    }
}
