package org.postbus.setup;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.kafka.clients.admin.Admin;
import org.postbus.account.Secret;
import org.postbus.setup.database.DatabaseSetup;
import org.postbus.setup.kafka.KafkaSetup;
import org.postbus.setup.kafka.KafkaUser;

/**
 * {@code java -cp '/app/lib/main/*' org.postbus.setup.Main database|kafka}, with the libraries of the gateway. Both commands change only what
 * is not as it should be, so they may run at every deployment. Exit codes: 0 done, 1 failed, 2 wrong arguments or settings.
 *
 * <p>Secrets are files, never arguments. {@code POSTBUS_SETUP_SECRETS} is a directory with passwords, one in each file: {@code db-fetcher},
 * {@code db-writer}, {@code db-outbound}, {@code db-gateway} and {@code kafka-fetcher}, {@code kafka-writer}, {@code kafka-outbound}, {@code
 * kafka-gateway}, {@code kafka-subscriber}. Where a file is missing the password stays as it is, for instance none because the user logs in
 * with a certificate.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_SETUP_DB_URL}<td>{@code postgresql://host:port/database}, with the JDBC driver's parameters: {@code
 *       ?sslmode=verify-full&sslrootcert=/ca.pem}
 *   <tr><td>{@code POSTBUS_SETUP_DB_USER}<td>owns the database and may create roles; need not be a superuser. {@code postgres} without it
 *   <tr><td>{@code POSTBUS_SETUP_DB_PASSWORD_FILE}<td>the file with its password
 *   <tr><td>{@code POSTBUS_SETUP_KAFKA_PROPERTIES}<td>a Kafka client's properties, of a user that may administer the cluster
 *   <tr><td>{@code POSTBUS_SETUP_KAFKA_ACLS}<td>{@code false}: the cluster has no authorizer, or its rights are managed elsewhere
 *   <tr><td>{@code POSTBUS_SETUP_PARTITIONS}, {@code POSTBUS_SETUP_REPLICAS}<td>of topics that have to be created: 64 and 1 without them
 * </table>
 */
public final class Main {
    private static final List<String> ROLES = List.of("fetcher", "writer", "outbound", "gateway");

    private final Map<String, String> environment;

    private Main(Map<String, String> environment) {
        this.environment = environment;
    }

    public static void main(String[] arguments) {
        // Kafka's client writes its whole configuration at INFO.
        Logger.getLogger("").setLevel(Level.WARNING);
        System.exit(run(arguments, System.getenv()));
    }

    /** Returns the exit code. */
    public static int run(String[] arguments, Map<String, String> environment) {
        Main main = new Main(environment);
        try {
            switch (arguments.length == 1 ? arguments[0] : "") {
                case "database" -> main.database();
                case "kafka" -> main.kafka();
                default -> {
                    System.err.println("usage: org.postbus.setup.Main database|kafka");
                    return 2;
                }
            }
            System.out.println("the " + arguments[0] + " is prepared");
            return 0;
        } catch (IllegalArgumentException | IOException e) {
            System.err.println("setup: " + e.getMessage());
            return 2;
        } catch (SQLException | IllegalStateException e) {
            System.err.println("setup: " + e.getMessage());
            return 1;
        }
    }

    private void database() throws IOException, SQLException {
        Map<String, Secret> passwords = new TreeMap<>();
        for (String role : ROLES) {
            secret("db-" + role).ifPresent(password -> passwords.put("postbus_" + role, password));
        }
        DatabaseSetup.run(
                "jdbc:" + require("POSTBUS_SETUP_DB_URL"),
                environment.getOrDefault("POSTBUS_SETUP_DB_USER", "postgres"),
                read(Path.of(require("POSTBUS_SETUP_DB_PASSWORD_FILE"))),
                passwords);
    }

    private void kafka() throws IOException {
        Properties properties = new Properties();
        try (Reader file = Files.newBufferedReader(Path.of(require("POSTBUS_SETUP_KAFKA_PROPERTIES")))) {
            properties.load(file);
        }
        Map<KafkaUser, Secret> passwords = new EnumMap<>(KafkaUser.class);
        for (KafkaUser user : KafkaUser.values()) {
            secret(user.user().replaceFirst("^postbus-", "kafka-"))
                    .ifPresent(password -> passwords.put(user, password));
        }
        try (Admin admin = Admin.create(properties)) {
            KafkaSetup setup = new KafkaSetup(admin);
            setup.createTopics(number("POSTBUS_SETUP_PARTITIONS", 64), (short) number("POSTBUS_SETUP_REPLICAS", 1));
            setup.setPasswords(passwords);
            if (!environment.getOrDefault("POSTBUS_SETUP_KAFKA_ACLS", "true").equals("false")) {
                setup.grant();
            }
        }
    }

    private int number(String variable, int otherwise) {
        String text = environment.getOrDefault(variable, Integer.toString(otherwise));
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(variable + " is not a number: " + text, e);
        }
    }

    private String require(String variable) {
        String value = environment.getOrDefault(variable, "");
        if (value.isBlank()) {
            throw new IllegalArgumentException(variable + " is not set");
        }
        return value;
    }

    private Optional<Secret> secret(String name) throws IOException {
        Path file = Path.of(require("POSTBUS_SETUP_SECRETS"), name);
        return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
    }

    private static Secret read(Path file) throws IOException {
        String text = Files.readString(file).strip();
        if (text.isEmpty()) {
            throw new IllegalArgumentException(file + " is empty");
        }
        return new Secret(text);
    }
}
