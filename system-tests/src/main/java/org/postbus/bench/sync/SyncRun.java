package org.postbus.bench.sync;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.postbus.bench.options.Protocol;

/**
 * One measured initial sync. Times are in seconds.
 *
 * @param floor measured just before; over JMAP with three requests at a time
 * @param floorByPages over JMAP with one page at a time
 * @param firstRow until the first email was in the database
 * @param busy share of all processors' time that was busy, for any process
 * @param cpu by process
 */
record SyncRun(
        Protocol protocol,
        int number,
        double floor,
        OptionalDouble floorByPages,
        double seconds,
        double firstRow,
        double busy,
        Map<String, Double> cpu) {
    double timesTheFloor() {
        return seconds / floor;
    }

    double timesTheFloorByPages() {
        return seconds / floorByPages.orElseThrow();
    }

    /** The median by time of the second half of the runs: in the first half the JIT compilers are still busy. Of an even number the slower. */
    static SyncRun warmMedian(List<SyncRun> runs) {
        List<SyncRun> warm = runs.subList(runs.size() / 2, runs.size()).stream()
                .sorted(Comparator.comparingDouble(SyncRun::seconds))
                .toList();
        return warm.get(warm.size() / 2);
    }
}
