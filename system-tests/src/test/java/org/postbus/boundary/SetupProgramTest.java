package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.setup.Main;
import org.postbus.setup.kafka.KafkaUser;

/** The program that a deployment runs before the services: with secrets in files only, and as often as one likes. */
class SetupProgramTest {
    @TempDir
    private Path directory;

    @Test
    void a_database_is_migrated_and_its_roles_get_the_passwords_of_the_files() throws Exception {
        Database prepared = DevStack.postgres().freshDatabase();
        String name = "setup_program";
        try (Connection connection = prepared.connectAsAdmin()) {
            connection.createStatement().execute("create database " + name);
        }
        for (Role role : Role.values()) {
            // The roles are those of the whole server, which other tests use: they keep their passwords.
            secret(
                    role.user().replaceFirst("postbus_", "db-"),
                    prepared.password(role).reveal());
        }
        Map<String, String> environment = environment(Map.of(
                "POSTBUS_SETUP_DB_URL",
                prepared.url().replace(prepared.name(), name),
                "POSTBUS_SETUP_DB_PASSWORD_FILE",
                secret("db-admin", prepared.adminPassword().reveal()).toString()));

        assertThat(Main.run(new String[] {"database"}, environment)).isZero();
        assertThat(Main.run(new String[] {"database"}, environment)).isZero();

        Database database = new Database(prepared.port(), name, prepared.adminPassword(), prepared.passwords());
        for (Role role : Role.values()) {
            try (Connection connection = database.connect(role)) {
                assertThat(connection.isValid(10)).isTrue();
            }
        }
    }

    @Test
    void kafkas_users_get_the_passwords_of_the_files() throws Exception {
        Kafka kafka = DevStack.kafka(8);
        for (KafkaUser user : KafkaUser.values()) {
            secret(user.user().replaceFirst("postbus-", "kafka-"), Files.readString(kafka.passwordFile(user)));
        }
        Map<String, String> environment = environment(Map.of(
                "POSTBUS_SETUP_KAFKA_PROPERTIES",
                properties(kafka.connectionOfAdmin()).toString(),
                "POSTBUS_SETUP_PARTITIONS",
                "8"));

        assertThat(Main.run(new String[] {"kafka"}, environment)).isZero();
        assertThat(Main.run(new String[] {"kafka"}, environment)).isZero();

        for (KafkaUser user : KafkaUser.values()) {
            try (Admin admin = Admin.create(kafka.connectionOf(user))) {
                assertThat(admin.listTopics().names().get()).isNotEmpty().allMatch(name -> name.startsWith("postbus."));
            }
        }
    }

    @Test
    void what_is_missing_ends_it_with_a_message_and_no_change() {
        assertThat(Main.run(new String[] {}, Map.of())).isEqualTo(2);
        assertThat(Main.run(new String[] {"database"}, Map.of())).isEqualTo(2);
        assertThat(Main.run(
                        new String[] {"database"},
                        environment(Map.of(
                                "POSTBUS_SETUP_DB_URL", DevStack.postgres().url(),
                                "POSTBUS_SETUP_DB_PASSWORD_FILE",
                                        directory.resolve("none").toString()))))
                .isEqualTo(2);
    }

    @Test
    void a_wrong_password_is_a_failure() throws IOException {
        assertThat(Main.run(
                        new String[] {"database"},
                        environment(Map.of(
                                "POSTBUS_SETUP_DB_URL", DevStack.postgres().url(),
                                "POSTBUS_SETUP_DB_PASSWORD_FILE",
                                        secret("db-admin", "guess").toString()))))
                .isEqualTo(1);
    }

    private Map<String, String> environment(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(more);
        environment.put("POSTBUS_SETUP_SECRETS", directory.toString());
        return environment;
    }

    private Path secret(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text + "\n");
    }

    private Path properties(Map<String, Object> connection) throws IOException {
        Properties properties = new Properties();
        connection.forEach((name, value) -> properties.setProperty(name, value.toString()));
        Path file = directory.resolve("admin.properties");
        try (var writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
        return file;
    }
}
