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
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;

/**
 * A real Dovecot (Debian's dovecot-imapd, 2.3) under a configuration of its own, in a temporary directory, on free ports of the
 * loopback interface: IMAP with CONDSTORE, QRESYNC, NOTIFY, MOVE and LIST-STATUS, no OBJECTID. It touches neither Debian's own
 * configuration nor its service, and runs as root (mail then belongs to {@code nobody}) and as an ordinary user alike.
 *
 * <p>Mail arrives by APPEND. Users have INBOX, Drafts, Junk, Sent and Trash; names are separated by {@code /}.
 */
public final class Dovecot implements AutoCloseable {
    public static final String HOST = "127.0.0.1";
    /** What hides everything by which a client could learn of changes other than by comparing. */
    public static final Set<String> DELTAS = Set.of("CONDSTORE", "QRESYNC", "NOTIFY", "MOVE", "ESEARCH", "LIST-STATUS");

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

    /** {@code imap} is plain and offers STARTTLS, {@code imaps} is TLS from the first byte. */
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
     * @param hidden capabilities that it does not announce. Dovecot still carries out the commands: a client must go by the
     *     word, as it must with servers where it means what it says
     */
    public record Settings(List<User> users, Set<String> hidden, Path log) {
        public Settings {
            users = List.copyOf(users);
            hidden = Set.copyOf(hidden);
        }
    }

    /** Whether this machine has the program. */
    public static boolean isInstalled() {
        return Files.isExecutable(PROGRAM) && Files.isExecutable(IMAP);
    }

    /** Whether tests that need it must fail without it, rather than be left out: {@code CI} or {@code POSTBUS_REQUIRE_DOVECOT}. */
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
            server.awaitReady(START_WAIT, dovecot::greets);
            return dovecot;
        } catch (IOException e) {
            throw new UncheckedIOException("Dovecot did not start", e);
        }
    }

    /** A user that is there already gets this password, within a second. */
    public synchronized void addUser(User user) {
        try {
            configuration.writeUser(user);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** With which this user may log in until then, by OAUTHBEARER or XOAUTH2. */
    public Secret accessToken(String user, Instant issued, Instant expires) {
        return configuration.accessToken(user, issued, expires);
    }

    public Ports ports() {
        return configuration.ports();
    }

    /** The master's; each session is a process below it. */
    public long pid() {
        return server.pid();
    }

    /** In PEM form, for {@code localhost} and 127.0.0.1, signed by itself. */
    public String certificate() {
        return configuration.certificate();
    }

    /** Puts a message into the user's INBOX as a delivery agent does, without IMAP. One at a time. */
    public void deliver(User user, byte[] message) {
        try {
            // Not a temporary file: the user that owns the mail must be able to read it.
            Path file = Files.write(configuration.directory().resolve("delivery.eml"), message);
            doveadm("save", "-u", user.name(), "-m", "INBOX", file.toString());
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Gives a mailbox another UIDVALIDITY, as a server does whose index was lost. */
    public void renumber(User user, String mailbox, long uidValidity) {
        doveadm("mailbox", "update", "-u", user.name(), "--uid-validity", Long.toString(uidValidity), mailbox);
    }

    /** Ends the user's sessions, as a server does that is restarted. */
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
        List<String> command = new java.util.ArrayList<>(
                List.of("doveadm", "-c", configuration.file().toString()));
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
