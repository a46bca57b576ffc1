package org.postbus.devstack.process;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Ends child processes when this JVM has ended, even by SIGKILL: a shell holds the read end of a pipe and the list of pids. When the
 * pipe closes it sends SIGINT (PostgreSQL's fast shutdown) and SIGTERM, and SIGKILL after 10 s. One shell serves the whole JVM.
 */
public final class ChildReaper {
    private static final String SCRIPT = """
            trap '' INT HUP TERM
            pids=' '
            set --
            while read -r verb what; do
              case $verb in
                register) pids="$pids$what " ;;
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

    /** From now on the process ends at the latest when this JVM ends. */
    public static void register(long pid) {
        send("register " + pid);
    }

    /** The process has ended, or may outlive this JVM. */
    public static void release(long pid) {
        send("release " + pid);
    }

    /** Deletes a temporary directory at the latest when this JVM and its registered processes have ended. */
    public static void removeAtEnd(Path temporary) {
        send("remove " + temporary);
    }

    private static synchronized void send(String line) {
        try {
            if (shared == null) {
                shared = new ChildReaper();
            }
            shared.pipe.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            shared.pipe.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the process that ends orphaned child processes is gone", e);
        }
    }
}
