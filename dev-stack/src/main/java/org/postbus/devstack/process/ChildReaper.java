package org.postbus.devstack.process;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Ends what this JVM started when the JVM is gone, even by SIGKILL: a shell holds the read end of a pipe and the list of pids, and
 * when the pipe closes it asks them to stop (SIGTERM; SIGINT is PostgreSQL's word for "stop now, cleanly"), and after 10 s kills them.
 * One shell serves the whole JVM.
 */
public final class ChildReaper {
    private static final String SCRIPT = """
            trap '' INT HUP TERM
            pids=' '
            set --
            while read -r verb what; do
              case $verb in
                hold) pids="$pids$what " ;;
                release) pids=$(printf '%s.' "$pids" | sed "s/ $what / /"); pids=${pids%.} ;;
                remove) set -- "$@" "$what" ;;
              esac
            done
            if [ "$pids" != ' ' ]; then
              kill -INT $pids 2>/dev/null
              kill -TERM $pids 2>/dev/null
              for second in 1 2 3 4 5 6 7 8 9 10; do
                sleep 1
                kill -0 $pids 2>/dev/null || break
              done
              kill -KILL $pids 2>/dev/null
            fi
            [ $# = 0 ] || rm -rf "$@"
            """;

    private static ChildReaper shared;

    private final OutputStream pipe;

    private ChildReaper() throws IOException {
        pipe = new ProcessBuilder("sh", "-c", SCRIPT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start()
                .getOutputStream();
    }

    /** The process ends, at the latest, when this JVM has ended. */
    public static void hold(long pid) {
        tell("hold " + pid);
    }

    /** The process has ended or is to live on. */
    public static void release(long pid) {
        tell("release " + pid);
    }

    /** A temporary directory: deleted, at the latest, when this JVM and what it held have ended. */
    public static void removeAtEnd(Path temporary) {
        tell("remove " + temporary);
    }

    private static synchronized void tell(String line) {
        try {
            if (shared == null) {
                shared = new ChildReaper();
            }
            shared.pipe.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            shared.pipe.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the lifeline of child processes is gone", e);
        }
    }
}
