package org.postbus.fetcher.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.TreeSet;
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
    void a_range_of_everything_is_never_expanded() {
        UidSet everything = UidSet.of(List.of(new UidRange(1, 0xFFFF_FFFFL)));

        assertThat(everything.minus(UidSet.ofUids(5)).ranges())
                .containsExactly(new UidRange(1, 4), new UidRange(6, 0xFFFF_FFFFL));
        assertThat(everything.highest(3).ranges()).containsExactly(new UidRange(0xFFFF_FFFDL, 0xFFFF_FFFFL));
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
            TreeSet<Long> minus = new TreeSet<>(a);
            minus.removeAll(b);
            int some = random.nextInt(10);
            assertThat(expanded(first)).as("seed %d", seed).isEqualTo(a);
            assertThat(first.size()).as("seed %d", seed).isEqualTo(a.size());
            assertThat(expanded(first.and(second))).as("seed %d", seed).isEqualTo(and);
            assertThat(expanded(first.minus(second))).as("seed %d", seed).isEqualTo(minus);
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
