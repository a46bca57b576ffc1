package org.postbus.outbound.imap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.postbus.observation.UidRange;

class UidSetsTest {
    @Test
    void neighbours_become_ranges() {
        assertThat(UidSets.ranges(List.of(9L, 1L, 2L, 3L, 7L)))
                .containsExactly(new UidRange(1, 3), new UidRange(7, 7), new UidRange(9, 9));
        assertThat(UidSets.ranges(List.of())).isEmpty();
    }

    @Test
    void ten_thousand_neighbours_are_ten_commands() {
        List<Long> uids = LongStream.rangeClosed(1, 10_000).boxed().toList();

        assertThat(UidSets.chunks(uids))
                .hasSize(10)
                .allSatisfy(chunk -> assertThat(UidSets.ranges(chunk)).hasSize(1));
    }

    @Test
    void chunks_hold_every_uid_once_and_keep_their_limits() {
        for (long seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var uids = new TreeSet<Long>();
            int size = random.nextInt(3_000);
            for (int i = 0; i < size; i++) {
                uids.add(1 + (long) random.nextInt(1 + random.nextInt(10_000)));
            }

            var chunks = UidSets.chunks(uids);

            assertThat(chunks.stream().flatMap(List::stream).toList())
                    .as("seed %d", seed)
                    .containsExactlyElementsOf(uids);
            assertThat(chunks).as("seed %d", seed).allSatisfy(chunk -> {
                assertThat(chunk).isNotEmpty().hasSizeLessThanOrEqualTo(UidSets.UIDS_MAX);
                assertThat(UidSets.ranges(chunk)).hasSizeLessThanOrEqualTo(UidSets.RANGES_MAX);
            });
        }
    }
}
