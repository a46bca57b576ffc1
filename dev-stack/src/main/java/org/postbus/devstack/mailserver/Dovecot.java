package org.postbus.devstack.mailserver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;

/**
 * Dovecot 2.3 (Debian's dovecot-imapd) with a configuration of its own, in a temporary directory, on free loopback ports: IMAP with
 * CONDSTORE, QRESYNC, NOTIFY, MOVE and LIST-STATUS, without OBJECTID. It does not use Debian's configuration or service, and runs as
 * root (mail then belongs to {@code nobody}) or as an ordinary user.
 *
 * <p>Mail arrives by APPEND or {@link #deliver}. Users have INBOX, Drafts, Junk, Sent and Trash; the hierarchy separator is {@code /}.
 */
public final class Dovecot implements AutoCloseable {
    public static final String HOST = "127.0.0.1";
    /** Without these capabilities a client can detect changes only by comparing complete mailboxes. */
    public static final Set<String> CHANGE_TRACKING =
            Set.of("CONDSTORE", "QRESYNC", "NOTIFY", "MOVE", "ESEARCH", "LIST-STATUS");

    private static final Path PROGRAM = Path.of("/usr/sbin/dovecot");
    private static final Path IMAP = Path.of("/usr/lib/dovecot/imap");
    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final int PROBE_MILLIS = 2000;

    private final ChildProcess server;
    private final DovecotConfiguration configuration;

    private Dovecot(ChildProcess server, DovecotConfiguration configuration) {
        this.server = server;
        this.configuration = configuration;
    }

    /** {@code imap} starts in plain text and offers STARTTLS; {@code imaps} is implicit TLS. */
    public record Ports(int imap, int imaps) {
        static Ports free() {
            return new Ports(FreePort.find(), FreePort.find());
        }
    }

    /** @param name to log in with, such as {@code alice@example.com} */
    public record User(String name, Secret password) {
        public static User of(String name, String password) {
            return new User(name, new Secret(password));
        }
    }

    /**
     * @param hidden capabilities that are not advertised. Dovecot still executes their commands; clients must use only what is
     *     advertised
     * @param log receives the server's output
     */
    public record Settings(List<User> users, Set<String> hidden, Path log) {
        public Settings {
            users = List.copyOf(users);
            hidden = Set.copyOf(hidden);
        }
    }

    /** Whether Dovecot is installed on this machine. */
    public static boolean isInstalled() {
        return Files.isExecutable(PROGRAM) && Files.isExecutable(IMAP);
    }

    /** Whether tests must fail rather than be skipped without Dovecot: {@code CI} or {@code POSTBUS_REQUIRE_DOVECOT} is set. */
    public static boolean isRequired() {
        return System.getenv("CI") != null || System.getenv("POSTBUS_REQUIRE_DOVECOT") != null;
    }

    /** @throws IllegalStateException if it is not installed or does not start */
    public static Dovecot start(Settings settings) {
        if (!isInstalled()) {
            throw new IllegalStateException("Dovecot is not installed: apt-get install dovecot-imapd");
        }
        try {
            DovecotConfiguration configuration =
                    new DovecotConfiguration(Files.createTempDirectory("dovecot-"), Ports.free(), settings.hidden());
            ChildReaper.removeAtEnd(configuration.directory());
            configuration.write(settings.log());
            ChildProcess server = ChildProcess.start(
                    "dovecot",
                    List.of(PROGRAM.toString(), "-F", "-c", configuration.file().toString()),
                    Map.of(),
                    configuration.directory(),
                    settings.log());
            Dovecot dovecot = new Dovecot(server, configuration);
            settings.users().forEach(dovecot::addUser);
            server.awaitReady(dovecot::greets);
            return dovecot;
        } catch (IOException e) {
            throw new UncheckedIOException("Dovecot did not start", e);
        }
    }

    /** Creates the user; an existing user gets this password within a second. */
    public synchronized void addUser(User user) {
        try {
            configuration.writeUser(user);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A token with which the user may log in by OAUTHBEARER or XOAUTH2 until it expires. */
    public Secret accessToken(String user, Instant issued, Instant expires) {
        return configuration.accessToken(user, issued, expires);
    }

    public Ports ports() {
        return configuration.ports();
    }

    /** The master process; each session is a child of it. */
    public long pid() {
        return server.pid();
    }

    /** The self-signed certificate for {@code localhost} and 127.0.0.1, in PEM form. */
    public String certificate() {
        return configuration.certificate();
    }

    /** Stores a message in the user's INBOX as a delivery agent does, without IMAP. Not thread safe. */
    public void deliver(User user, byte[] message) {
        try {
            // The temporary directory of this JVM may not be readable by the user that owns the mail.
            Path file = Files.write(configuration.directory().resolve("delivery.eml"), message);
            doveadm("save", "-u", user.name(), "-m", "INBOX", file.toString());
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Changes a mailbox's UIDVALIDITY, like a server that has lost its index. */
    public void changeUidValidity(User user, String mailbox, long uidValidity) {
        doveadm("mailbox", "update", "-u", user.name(), "--uid-validity", Long.toString(uidValidity), mailbox);
    }

    /** Ends the user's sessions, as a restart of the server does. */
    public void kick(User user) {
        doveadm("kick", user.name());
    }

    @Override
    public void close() {
        server.close();
        Directories.delete(configuration.directory());
    }

    Path directory() {
        return configuration.directory();
    }

    ChildProcess process() {
        return server;
    }

    private void doveadm(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("doveadm", "-c", configuration.file().toString()));
        command.addAll(List.of(arguments));
        try (ChildProcess doveadm = ChildProcess.start(
                "doveadm",
                command,
                Map.of(),
                configuration.directory(),
                configuration.directory().resolve("doveadm.log"))) {
            doveadm.awaitSuccess(START_WAIT);
        }
    }

    private boolean greets() throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(HOST, ports().imap()), PROBE_MILLIS);
            socket.setSoTimeout(PROBE_MILLIS);
            return new String(socket.getInputStream().readNBytes(4), StandardCharsets.US_ASCII).equals("* OK");
        }
    }
}
