package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Role;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.PostgresSettings.Pooling;

class PostgresSettingsTest {
    private static final Map<String, String> PLAIN = Map.of(
            "postbus.db.url", "postgresql://db.example:5433/postbus",
            "postbus.db.user", "postbus_writer",
            "postbus.db.password", "secret");

    private static PostgresSettings with(Map<String, String> more) {
        Map<String, String> values = new HashMap<>(PLAIN);
        values.putAll(more);
        return PostgresSettings.of(Settings.of(name -> Optional.ofNullable(values.get(name))));
    }

    @Test
    void without_more_settings_the_connection_is_plain() {
        PostgresSettings settings = with(Map.of());
        PgConnectOptions options = settings.connectOptions("writer-service");

        assertThat(options.getHost()).isEqualTo("db.example");
        assertThat(options.getPort()).isEqualTo(5433);
        assertThat(options.getDatabase()).isEqualTo("postbus");
        assertThat(options.getUser()).isEqualTo("postbus_writer");
        assertThat(options.getPassword()).isEqualTo("secret");
        assertThat(options.getSslMode()).isEqualTo(SslMode.DISABLE);
        assertThat(options.getProperties()).containsEntry("application_name", "writer-service");
        assertThat(settings.toString()).doesNotContain("secret");
    }

    @Test
    void modes_check_what_libpqs_modes_check(@TempDir Path directory) throws IOException {
        String root = Files.writeString(directory.resolve("root.pem"), "").toString();

        PgConnectOptions full = with(Map.of("postbus.db.sslmode", "verify-full", "postbus.db.sslrootcert", root))
                .connectOptions("test");
        assertThat(full.getSslMode()).isEqualTo(SslMode.VERIFY_FULL);
        assertThat(full.getHostnameVerificationAlgorithm()).isEqualTo("HTTPS");
        assertThat(full.isTrustAll()).isFalse();
        assertThat(((PemTrustOptions) full.getTrustOptions()).getCertPaths()).containsExactly(root);

        PgConnectOptions authority = with(Map.of("postbus.db.sslmode", "require", "postbus.db.sslrootcert", root))
                .connectOptions("test");
        assertThat(authority.getSslMode()).isEqualTo(SslMode.VERIFY_CA);
        assertThat(authority.isTrustAll()).isFalse();

        PgConnectOptions encrypted =
                with(Map.of("postbus.db.sslmode", "REQUIRE")).connectOptions("test");
        assertThat(encrypted.getSslMode()).isEqualTo(SslMode.REQUIRE);
        assertThat(encrypted.isTrustAll()).isTrue();
    }

    @Test
    void what_is_missing_or_unknown_is_named_by_its_variable() {
        assertThatThrownBy(() -> with(Map.of("postbus.db.url", "")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("POSTBUS_DB_URL is not set");
        assertThatThrownBy(() -> with(Map.of("postbus.db.sslmode", "verify-full")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("POSTBUS_DB_SSLROOTCERT");
        assertThatThrownBy(() -> with(Map.of("postbus.db.sslrootcert", "/ca.pem")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("POSTBUS_DB_SSLMODE is not");
        assertThatThrownBy(() -> with(Map.of("postbus.db.sslmode", "strict")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("POSTBUS_DB_SSLMODE: there is no mode strict");
    }

    @Test
    void options_that_a_framework_made_get_the_password_file_and_tls(@TempDir Path directory) throws IOException {
        String password = Files.writeString(directory.resolve("password"), "from the file\n")
                .toString();
        Map<String, String> values = Map.of("postbus.db.password-file", password, "postbus.db.sslmode", "require");

        PgConnectOptions completed = PostgresSettings.complete(
                new PgConnectOptions().setUser("kept"), Settings.of(name -> Optional.ofNullable(values.get(name))));
        assertThat(completed.getConnectTimeout()).isEqualTo(5_000);
        assertThat(completed.getUser()).isEqualTo("kept");
        assertThat(completed.getPassword()).isEqualTo("from the file");
        assertThat(completed.getSslMode()).isEqualTo(SslMode.REQUIRE);

        PgConnectOptions untouched = PostgresSettings.complete(
                new PgConnectOptions().setSslMode(SslMode.PREFER).setPassword("kept"),
                Settings.of(name -> Optional.empty()));
        assertThat(untouched.getSslMode()).isEqualTo(SslMode.PREFER);
        assertThat(untouched.getPassword()).isEqualTo("kept");
    }

    @Test
    void a_pool_connects_with_what_its_role_needs_and_refuses_a_server_without_tls_where_tls_is_wanted() {
        var database = DevStack.postgres().database();
        Map<String, String> real = Map.of(
                "postbus.db.url", database.url(),
                "postbus.db.user", Role.WRITER.user(),
                "postbus.db.password", database.password(Role.WRITER).reveal());
        Map<String, String> encrypted = new HashMap<>(real);
        encrypted.put("postbus.db.sslmode", "require");
        Pooling pooling = new Pooling(2, 10, Duration.ofSeconds(10));
        Vertx vertx = Vertx.vertx();
        Pool pool = with(real).pool(vertx, "kit-test", pooling);
        Pool secured = with(encrypted).pool(vertx, "kit-test", pooling);
        try {
            var row = new TenantTransactions(pool)
                    .query(
                            "select current_setting('application_name') as name, current_setting('enable_seqscan') as scans",
                            Tuple.tuple())
                    .iterator()
                    .next();
            assertThat(row.getString("name")).isEqualTo("kit-test");
            assertThat(row.getString("scans")).isEqualTo("off");
            assertThatThrownBy(() -> new TenantTransactions(secured).query("select 1", Tuple.tuple()))
                    .isInstanceOf(InfrastructureFailureException.class);
        } finally {
            pool.close();
            secured.close();
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }
}
