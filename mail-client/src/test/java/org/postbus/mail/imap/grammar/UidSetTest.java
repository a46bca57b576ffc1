package org.postbus.mail.imap.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.postbus.observation.UidRange;

class UidSetTest {

    @Test
    void ranges_are_sorted_and_joined() {
        UidSet set =
                UidSet.of(List.of(new UidRange(7, 9), new UidRange(1, 2), new UidRange(3, 3), new UidRange(8, 12)));

        assertThat(set.ranges()).containsExactly(new UidRange(1, 3), new UidRange(7, 12));
    }

    @Test
    void neighbours_become_ranges() {
        assertThat(UidSet.ofUids(List.of(9L, 1L, 2L, 3L, 7L)).ranges())
                .containsExactly(new UidRange(1, 3), new UidRange(7, 7), new UidRange(9, 9));
        assertThat(UidSet.ofUids(List.of()).ranges()).isEmpty();
    }

    @Test
    void a_range_of_everything_is_never_expanded() {
        UidSet everything = UidSet.of(List.of(new UidRange(1, 0xFFFF_FFFFL)));

        assertThat(everything.minus(UidSet.ofUids(5)).ranges())
                .containsExactly(new UidRange(1, 4), new UidRange(6, 0xFFFF_FFFFL));
        assertThat(everything.highest(3).ranges()).containsExactly(new UidRange(0xFFFF_FFFDL, 0xFFFF_FFFFL));
    }

    @Test
    void number_that_is_no_uid_is_refused_from_us_and_left_out_from_a_server() {
        assertThatThrownBy(() -> UidSet.ofUids(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> UidSet.ofUids(1, 1L << 32)).isInstanceOf(IllegalArgumentException.class);

        long[] reported = {1L << 32, 3, 0, 2, 9, 0xFFFF_FFFFL, 77};
        assertThat(UidSet.ofReported(reported, 6)).isEqualTo(UidSet.ofUids(2, 3, 9, 0xFFFF_FFFFL));
    }

    @Test
    void behaves_as_a_set_of_numbers() {
        for (long seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            TreeSet<Long> a = numbers(random);
            TreeSet<Long> b = numbers(random);
            UidSet first = UidSet.ofUids(a);
            UidSet second = UidSet.ofUids(b);

            TreeSet<Long> and = new TreeSet<>(a);
            and.retainAll(b);
            TreeSet<Long> or = new TreeSet<>(a);
            or.addAll(b);
            TreeSet<Long> minus = new TreeSet<>(a);
            minus.removeAll(b);
            int some = random.nextInt(10);
            assertThat(expanded(first)).as("seed %d", seed).isEqualTo(a);
            assertThat(first.uids()).as("seed %d", seed).containsExactlyElementsOf(a);
            assertThat(first.size()).as("seed %d", seed).isEqualTo(a.size());
            assertThat(expanded(first.and(second))).as("seed %d", seed).isEqualTo(and);
            assertThat(expanded(first.or(second))).as("seed %d", seed).isEqualTo(or);
            assertThat(expanded(first.minus(second))).as("seed %d", seed).isEqualTo(minus);
            assertThat(expanded(first.below(some + 1))).as("seed %d", seed).isEqualTo(a.headSet(some + 1L));
            assertThat(expanded(first.lowest(some)))
                    .as("seed %d", seed)
                    .containsExactlyElementsOf(a.stream().limit(some).toList());
            assertThat(expanded(first.highest(some)))
                    .as("seed %d", seed)
                    .containsExactlyInAnyOrderElementsOf(
                            a.descendingSet().stream().limit(some).toList());
            for (long uid = 1; uid <= 42; uid++) {
                assertThat(first.contains(uid)).as("seed %d, uid %d", seed, uid).isEqualTo(a.contains(uid));
            }
        }
    }

    @Test
    void sets_are_split_without_losing_a_uid() {
        for (long seed = 1; seed <= 50; seed++) {
            Random random = new Random(seed);
            Set<Long> uids = new TreeSet<>();
            for (int i = random.nextInt(6000); i > 0; i--) {
                uids.add(1 + (random.nextLong() & 0x7FFF_FFFFL));
            }
            UidSet whole = UidSet.ofUids(uids);

            List<UidSet> sets = whole.split();

            List<UidRange> again = new ArrayList<>();
            for (UidSet set : sets) {
                assertThat(set.sequenceSet(false).length()).as("seed %d", seed).isBetween(1, UidSet.COMMAND_OCTETS_MAX);
                again.addAll(set.ranges());
            }
            assertThat(again).as("seed %d", seed).isEqualTo(whole.ranges());
            assertThat(whole.size()).as("seed %d", seed).isEqualTo(uids.size());
            assertThat(uids).as("seed %d", seed).allMatch(whole::contains);
        }
    }

    @Test
    void ten_thousand_neighbours_are_ten_commands() {
        UidSet uids = UidSet.ofUids(LongStream.rangeClosed(1, 10_000).boxed().toList());

        assertThat(uids.split(1000, 400))
                .hasSize(10)
                .allSatisfy(set -> assertThat(set.ranges()).hasSize(1));
    }

    @Test
    void split_sets_hold_every_uid_once_and_keep_their_limits() {
        for (long seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var uids = new TreeSet<Long>();
            int size = random.nextInt(3_000);
            for (int i = 0; i < size; i++) {
                uids.add(1 + (long) random.nextInt(1 + random.nextInt(10_000)));
            }

            List<UidSet> parts = UidSet.ofUids(uids).split(1000, 400);

            assertThat(parts.stream()
                            .map(UidSet::uids)
                            .flatMap(Collection::stream)
                            .toList())
                    .as("seed %d", seed)
                    .containsExactlyElementsOf(uids);
            assertThat(parts).as("seed %d", seed).allSatisfy(part -> {
                assertThat(part.size()).isBetween(1L, 1000L);
                assertThat(part.ranges()).hasSizeLessThanOrEqualTo(400);
            });
        }
    }

    @Test
    void only_a_set_that_is_read_may_end_in_a_star() {
        UidSet set = UidSet.of(List.of(new UidRange(1, 1), new UidRange(3, 5), new UidRange(9, UidSet.UID_MAX)));

        assertThat(set.sequenceSet(true)).isEqualTo("1,3:5,9:*");
        assertThat(set.sequenceSet(false)).isEqualTo("1,3:5,9:4294967295");
    }

    private static TreeSet<Long> numbers(Random random) {
        TreeSet<Long> numbers = new TreeSet<>();
        int count = random.nextInt(30);
        for (int i = 0; i < count; i++) {
            numbers.add(1L + random.nextInt(40));
        }
        return numbers;
    }

    private static TreeSet<Long> expanded(UidSet set) {
        TreeSet<Long> uids = new TreeSet<>();
        set.forEach(uids::add);
        return uids;
    }
}
