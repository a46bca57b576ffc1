package org.postbus.fetcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A server that is not ours to start, for the contracts to be held against: system properties say where it is. */
public final class OtherServer {
    /** Host and port; where it is not "/" what separates levels, and what all names begin with: {@code 127.0.0.1:143:.:INBOX.} */
    public static final String IMAP = "postbus.other.imap";
    /** The session's URL. */
    public static final String JMAP = "postbus.other.jmap";
    /**
     * A command that makes a user: its arguments are address and password. It may be called twice for the same. Where it ends the user has
     * an inbox.
     */
    private static final String MAKE_USER = "postbus.other.make-user";

    private static final long MAKE_USER_SECONDS_MAX = 60;

    /** Part of users' names: it knows those of earlier runs. */
    public static final String RUN = Long.toString(System.currentTimeMillis(), Character.MAX_RADIX);

    private OtherServer() {}

    public static String property(String name) {
        return Optional.ofNullable(System.getProperty(name))
                .orElseThrow(() -> new IllegalStateException("-D" + name + "=... is needed: README.md tells"));
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
