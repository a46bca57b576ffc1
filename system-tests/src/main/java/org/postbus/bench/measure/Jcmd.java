package org.postbus.bench.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Diagnostic commands of another JVM, by the JDK's {@code jcmd}. */
public final class Jcmd {
    /** Includes a full garbage collection before it counts. */
    public static final String CLASS_HISTOGRAM = "GC.class_histogram";

    private static final String TOTAL_LINE = "Total";

    private Jcmd() {}

    /** @throws IllegalStateException with the output, if the command fails */
    public static String run(long pid, String command) {
        try {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "jcmd")
                                    .toString(),
                            Long.toString(pid),
                            command)
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException("jcmd failed: " + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Bytes of all reachable objects. */
    public static long reachableBytes(long pid) {
        // The second collection frees what the first one's reference processing has released.
        run(pid, "GC.run");
        String total = run(pid, CLASS_HISTOGRAM)
                .lines()
                .filter(line -> line.startsWith(TOTAL_LINE))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(total.strip().split("\\s+")[2]);
    }
}
