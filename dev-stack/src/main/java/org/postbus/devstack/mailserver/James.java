package org.postbus.devstack.mailserver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.devstack.process.Secrets;

/**
 * Apache James in a JVM of its own: a mail server with IMAP, JMAP and SMTP that keeps mail in memory. Each user has the mailboxes INBOX,
 * Outbox, Sent, Trash, Drafts, Archive, Spam, Templates and Restored-Messages.
 */
public final class James implements AutoCloseable {
    public static final String HOST = "127.0.0.1";
    public static final String DOMAIN = "example.com";

    private static final Duration CALL_WAIT = Duration.ofSeconds(20);

    private final ChildProcess server;
    private final Ports ports;
    private final Optional<Path> temporary;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(CALL_WAIT).build();

    private James(ChildProcess server, Ports ports, Optional<Path> temporary) {
        this.server = server;
        this.ports = ports;
        this.temporary = temporary;
    }

    /** {@code imap} and {@code smtp} start in plain text and offer STARTTLS; {@code imaps} is implicit TLS. */
    public record Ports(int imap, int imaps, int smtp, int jmap, int webAdmin) {
        static Ports free() {
            return new Ports(FreePort.find(), FreePort.find(), FreePort.find(), FreePort.find(), FreePort.find());
        }
    }

    /** @param address such as {@code alice@example.com}; also the login name */
    public record User(String address, Secret password) {
        public static User of(String localPart, String password) {
            return new User(localPart + "@" + DOMAIN, new Secret(password));
        }
    }

    /**
     * @param maxHeap as for {@code -Xmx}; must hold all mail
     * @param directory for the configuration; empty: a temporary one, deleted at the end
     * @param log receives the server's output
     */
    public record Settings(List<User> users, String maxHeap, Optional<Path> directory, Path log) {
        public static Settings of(List<User> users, Path log) {
            return new Settings(users, "512m", Optional.empty(), log);
        }

        public Settings maxHeap(String maxHeap) {
            return new Settings(users, maxHeap, directory, log);
        }
    }

    /** Starts the server and creates the domain and the users. */
    public static James start(Settings settings) {
        String classPath = ProjectRoot.classPathOf("dev-stack/james");
        try {
            Path directory = settings.directory().isPresent()
                    ? Directories.createPrivate(settings.directory().get().toAbsolutePath())
                    : Files.createTempDirectory("postbus-james-");
            Optional<Path> temporary = settings.directory().isPresent() ? Optional.empty() : Optional.of(directory);
            temporary.ifPresent(ChildReaper::removeAtEnd);
            Ports ports = Ports.free();
            Secret keystorePassword = new Secrets().keptIn(directory.resolve("keystore-password"));
            new JamesConfiguration(ports, keystorePassword.reveal()).writeTo(directory, settings.log());
            ChildProcess server = ChildProcess.start(
                    "james",
                    ChildProcess.java(
                            settings.maxHeap(),
                            "-XX:TieredStopAtLevel=1",
                            "--enable-native-access=ALL-UNNAMED",
                            "-Dworking.directory=" + directory,
                            "-Dlogback.configurationFile=" + directory.resolve("conf/logback.xml"),
                            "-Djames.message.usememorycopy=true",
                            "-Djames.protocols.mdc.hostname=false",
                            "-Dio.netty.leakDetection.level=disabled",
                            "-cp",
                            classPath,
                            "org.postbus.devstack.james.JamesMain"),
                    Map.of(),
                    directory,
                    settings.log());
            James james = new James(server, ports, temporary);
            server.awaitReady(() -> james.webAdmin("GET", "/healthcheck", "") < 300);
            james.require("PUT", "/domains/" + DOMAIN, "");
            for (User user : settings.users()) {
                james.addUser(user);
            }
            return james;
        } catch (IOException e) {
            throw new UncheckedIOException("James did not start", e);
        }
    }

    /** Creates the user, whose domain must be {@link #DOMAIN}; an existing user gets this password. */
    public void addUser(User user) {
        try {
            require(
                    "PUT",
                    "/users/" + user.address() + "?force",
                    EventCodec.encodeToString(Map.of("password", user.password().reveal())));
        } catch (IOException e) {
            throw new UncheckedIOException("user " + user.address() + " could not be created", e);
        }
    }

    public Ports ports() {
        return ports;
    }

    /** The JMAP session resource (RFC 8620 section 2); log in with HTTP Basic. */
    public URI sessionUrl() {
        return URI.create("http://" + HOST + ":" + ports.jmap() + "/jmap/session");
    }

    public long pid() {
        return server.pid();
    }

    @Override
    public void close() {
        server.close();
        temporary.ifPresent(Directories::delete);
    }

    public ChildProcess process() {
        return server;
    }

    private void require(String method, String path, String body) throws IOException {
        int status = webAdmin(method, path, body);
        if (status >= 300) {
            throw new IOException("James responded " + status + " to " + method + " " + path);
        }
    }

    private int webAdmin(String method, String path, String body) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + HOST + ":" + ports.webAdmin() + path))
                .timeout(CALL_WAIT)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for James", e);
        }
    }
}
