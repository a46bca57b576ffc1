package org.postbus.fetcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A server that these tests do not start, to run the contracts against: system properties say where it is. */
public final class OtherServer {
    /** Host and port; the hierarchy delimiter where it is not "/", and the prefix of all names: {@code 127.0.0.1:143:.:INBOX.} */
    public static final String IMAP = "postbus.other.imap";
    /** The session's URL. */
    public static final String JMAP = "postbus.other.jmap";
    /**
     * A command that creates a user: its arguments are address and password. It may be called twice for the same user. When it ends, the user has
     * an inbox.
     */
    private static final String MAKE_USER = "postbus.other.make-user";

    private static final long MAKE_USER_SECONDS_MAX = 60;

    /** Part of users' names, because the server keeps those of earlier runs. */
    public static final String RUN = Long.toString(System.currentTimeMillis(), Character.MAX_RADIX);

    private OtherServer() {}

    public static String property(String name) {
        return Optional.ofNullable(System.getProperty(name))
                .orElseThrow(() -> new IllegalStateException("-D" + name + "=... is required, see README.md"));
    }

    public static void makeUser(String address, String password) {
        String command = property(MAKE_USER);
        try {
            Process made =
                    new ProcessBuilder(command, address, password).inheritIO().start();
            if (!made.waitFor(MAKE_USER_SECONDS_MAX, TimeUnit.SECONDS) || made.exitValue() != 0) {
                throw new IllegalStateException(command + " " + address + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
