package org.postbus.writer.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.postbus.writer.table.RecordPosition;

class UncommittedTest {
    private final Uncommitted uncommitted = new Uncommitted();

    @Test
    void records_behind_one_that_waits_count_until_it_is_applied() {
        for (int offset = 10; offset < 110; offset++) {
            uncommitted.add(at(1, offset));
        }
        uncommitted.add(at(2, 7));
        for (int offset = 11; offset < 110; offset++) {
            uncommitted.remove(at(1, offset));
        }
        assertThat(uncommitted.records()).isEqualTo(101);

        uncommitted.remove(at(1, 10));

        assertThat(uncommitted.records()).isEqualTo(1);
    }

    @Test
    void a_record_that_was_delivered_twice_waits_until_both_are_applied() {
        uncommitted.add(at(1, 5));
        uncommitted.add(at(1, 6));
        uncommitted.add(at(1, 5));

        uncommitted.remove(at(1, 5));
        assertThat(uncommitted.records()).isEqualTo(2);
        uncommitted.remove(at(1, 5));
        assertThat(uncommitted.records()).isEqualTo(1);
        uncommitted.remove(at(1, 6));
        assertThat(uncommitted.records()).isZero();
    }

    private static RecordPosition at(int partition, long offset) {
        return new RecordPosition("t", partition, offset);
    }
}
