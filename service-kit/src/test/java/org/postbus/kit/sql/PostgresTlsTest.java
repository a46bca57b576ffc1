package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.PostgresSettings.Pooling;

/** The modes of {@code POSTBUS_DB_SSLMODE} against a server whose certificate is for {@code localhost}. */
class PostgresTlsTest {
    private static final char[] PASSWORD = "password".toCharArray();

    @TempDir
    private static Path directory;

    private static final Vertx VERTX = Vertx.vertx();
    private static EmbeddedPostgres server;
    private static Path trusted;
    private static Path other;

    @BeforeAll
    static void start() throws Exception {
        trusted = certificate("server");
        other = certificate("other");
        server = EmbeddedPostgres.builder()
                .setPGStartupWait(Duration.ofMinutes(3))
                .setServerConfig("listen_addresses", "localhost")
                .setServerConfig("ssl", "on")
                .setServerConfig("ssl_cert_file", "'" + trusted + "'")
                .setServerConfig("ssl_key_file", "'" + directory.resolve("server.key") + "'")
                .start();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void verify_full_requires_a_trusted_authority_and_the_right_name() {
        assertThat(isEncrypted("localhost", "verify-full", Optional.of(trusted)))
                .isTrue();
        assertThatThrownBy(() -> isEncrypted("127.0.0.1", "verify-full", Optional.of(trusted)))
                .isInstanceOf(InfrastructureFailureException.class);
        assertThatThrownBy(() -> isEncrypted("localhost", "verify-full", Optional.of(other)))
                .isInstanceOf(InfrastructureFailureException.class);
    }

    @Test
    void verify_ca_requires_a_trusted_authority_and_accepts_any_name() {
        assertThat(isEncrypted("127.0.0.1", "verify-ca", Optional.of(trusted))).isTrue();
        assertThatThrownBy(() -> isEncrypted("127.0.0.1", "verify-ca", Optional.of(other)))
                .isInstanceOf(InfrastructureFailureException.class);
        assertThatThrownBy(() -> isEncrypted("127.0.0.1", "require", Optional.of(other)))
                .isInstanceOf(InfrastructureFailureException.class);
    }

    @Test
    void require_and_prefer_encrypt_without_a_check_and_disable_does_not_encrypt() {
        assertThat(isEncrypted("127.0.0.1", "require", Optional.empty())).isTrue();
        assertThat(isEncrypted("127.0.0.1", "prefer", Optional.empty())).isTrue();
        assertThat(isEncrypted("127.0.0.1", "disable", Optional.empty())).isFalse();
    }

    private static boolean isEncrypted(String host, String mode, Optional<Path> rootCertificate) {
        Map<String, String> values = new HashMap<>(Map.of(
                "postbus.db.url",
                "postgresql://" + host + ":" + server.getPort() + "/postgres",
                "postbus.db.user",
                "postgres",
                "postbus.db.sslmode",
                mode));
        rootCertificate.ifPresent(file -> values.put("postbus.db.sslrootcert", file.toString()));
        Pool pool = PostgresSettings.of(Settings.of(name -> Optional.ofNullable(values.get(name))))
                .pool(VERTX, "tls-test", new Pooling(1, 10, Duration.ofSeconds(20)));
        try {
            return new TenantTransactions(pool)
                    .query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", Tuple.tuple())
                    .iterator()
                    .next()
                    .getBoolean("ssl");
        } finally {
            pool.close();
        }
    }

    /** A self-signed certificate for {@code localhost}: {@code name.pem} and, readable by its owner only, {@code name.key}. */
    private static Path certificate(String name) throws IOException, InterruptedException, GeneralSecurityException {
        Path file = directory.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        name,
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        new String(PASSWORD),
                        "-keystore",
                        file.toString()))
                .redirectErrorStream(true)
                .start();
        assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
        KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD);
        Files.createFile(
                directory.resolve(name + ".key"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(
                directory.resolve(name + ".key"),
                pem("PRIVATE KEY", store.getKey(name, PASSWORD).getEncoded()));
        return Files.writeString(
                directory.resolve(name + ".pem"),
                pem("CERTIFICATE", store.getCertificate(name).getEncoded()));
    }

    private static String pem(String what, byte[] content) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + what
                + "-----\n";
    }
}
