package org.postbus.devstack;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Ends what this JVM started when the JVM is gone, even by SIGKILL: a shell holds the read end of a pipe and the list of pids, and
 * when the pipe closes it asks them to stop (SIGTERM; SIGINT is PostgreSQL's word for "stop now, cleanly"), and after 10 s kills them.
 * One shell serves the whole JVM.
 */
final class Lifeline {
    private static final String SCRIPT = """
            trap '' INT HUP TERM
            pids=' '
            while read -r verb pid; do
              case $verb in
                hold) pids="$pids$pid " ;;
                release) pids=$(printf '%s' "$pids" | sed "s/ $pid / /") ;;
              esac
            done
            [ "$pids" = ' ' ] && exit 0
            kill -INT $pids 2>/dev/null
            kill -TERM $pids 2>/dev/null
            for second in 1 2 3 4 5 6 7 8 9 10; do
              sleep 1
              kill -0 $pids 2>/dev/null || exit 0
            done
            kill -KILL $pids 2>/dev/null
            """;

    private static Lifeline shared;

    private final OutputStream pipe;

    private Lifeline() throws IOException {
        pipe = new ProcessBuilder("sh", "-c", SCRIPT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start()
                .getOutputStream();
    }

    /** The process ends, at the latest, when this JVM has ended. */
    static void hold(long pid) {
        tell("hold " + pid);
    }

    /** The process has ended or is to live on. */
    static void release(long pid) {
        tell("release " + pid);
    }

    private static synchronized void tell(String line) {
        try {
            if (shared == null) {
                shared = new Lifeline();
            }
            shared.pipe.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            shared.pipe.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the lifeline of child processes is gone", e);
        }
    }
}
