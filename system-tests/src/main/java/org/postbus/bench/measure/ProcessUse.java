package org.postbus.bench.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** CPU time and memory of processes, from {@code /proc} (proc_pid_stat(5), proc_pid_status(5)). */
public final class ProcessUse {
    /** USER_HZ: 100 on every Linux that Java runs on. */
    private static final double TICKS_PER_SECOND = 100;
    /** Fields of /proc/PID/stat after the name, counted from the state: utime, stime, cutime, cstime. */
    private static final int FIRST_TIME = 11;

    private static final int TIMES = 4;

    private ProcessUse() {}

    /** CPU seconds by name: of each process and its descendants, without descendants that are in {@code pids} themselves. */
    public static Map<String, Double> cpuSeconds(Map<String, Long> pids) {
        Map<String, Double> seconds = new LinkedHashMap<>();
        pids.forEach((name, pid) -> seconds.put(name, cpuSeconds(pid, pids.values())));
        return seconds;
    }

    private static double cpuSeconds(long pid, Collection<Long> listed) {
        return ownCpuSeconds(pid)
                + ProcessHandle.of(pid).stream()
                        .flatMap(ProcessHandle::children)
                        .mapToLong(ProcessHandle::pid)
                        .filter(child -> !listed.contains(child))
                        .mapToDouble(child -> cpuSeconds(child, listed))
                        .sum();
    }

    /** Peak resident memory of a process since its start, in bytes. */
    public static long peakBytes(long pid) {
        return status(pid, "VmHWM");
    }

    /** Resident memory of a process and its descendants, in bytes; shared memory is counted once. */
    public static long residentBytes(long pid) {
        long own = LongStream.concat(LongStream.of(pid), children(pid))
                .map(each -> status(each, "RssAnon"))
                .sum();
        long shared = LongStream.concat(LongStream.of(pid), children(pid))
                .map(each -> status(each, "RssShmem") + status(each, "RssFile"))
                .max()
                .orElse(0);
        return own + shared;
    }

    /** CPU time since boot, summed over all processors, in seconds: busy time and total time. */
    public static double[] machineSeconds() {
        // /proc/stat: cpu user nice system idle iowait irq softirq steal
        long[] ticks = Arrays.stream(read(Path.of("/proc/stat"))
                        .lines()
                        .findFirst()
                        .orElseThrow()
                        .split("\\s+"))
                .skip(1)
                .limit(8)
                .mapToLong(Long::parseLong)
                .toArray();
        long all = Arrays.stream(ticks).sum();
        long idle = ticks[3] + ticks[4];
        return new double[] {(all - idle) / TICKS_PER_SECOND, all / TICKS_PER_SECOND};
    }

    private static LongStream children(long pid) {
        return ProcessHandle.of(pid).stream()
                .flatMap(ProcessHandle::descendants)
                .mapToLong(ProcessHandle::pid);
    }

    /** Includes children that have ended. */
    private static double ownCpuSeconds(long pid) {
        String stat = read(Path.of("/proc", Long.toString(pid), "stat"));
        if (stat.isEmpty()) {
            return 0;
        }
        List<String> fields = List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" "));
        return fields.subList(FIRST_TIME, FIRST_TIME + TIMES).stream()
                        .mapToLong(Long::parseLong)
                        .sum()
                / TICKS_PER_SECOND;
    }

    private static long status(long pid, String name) {
        return read(Path.of("/proc", Long.toString(pid), "status"))
                .lines()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElse(0);
    }

    /** Empty if the process has ended. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            if (e.getMessage() != null && e.getMessage().contains("No such process")) {
                return "";
            }
            throw new UncheckedIOException(e);
        }
    }
}
