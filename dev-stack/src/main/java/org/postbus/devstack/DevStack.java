package org.postbus.devstack;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.postgres.Postgres;

/** What tests run on: started when first asked for, shared by all tests of the JVM, gone with it. */
public final class DevStack {
    private static Postgres postgres;
    private static Kafka kafka;
    private static James james;
    private static final Map<Set<String>, Dovecot> dovecots = new HashMap<>();

    private DevStack() {}

    /** Migrated. A test that wants a database to itself takes {@link Postgres#freshDatabase()}. */
    public static synchronized Postgres postgres() {
        if (postgres == null) {
            postgres = Postgres.start(Postgres.Settings.temporary(log("postgres")));
            closeAtExit(postgres);
        }
        return postgres;
    }

    /**
     * With {@code partitions} per topic, whatever the first who asked in this JVM wanted: 8 are enough for a test, and much quicker
     * to create than {@link org.postbus.event.Topics#PARTITIONS}.
     */
    public static synchronized Kafka kafka(int partitions) {
        if (kafka == null) {
            kafka = Kafka.start(Kafka.Settings.temporary(partitions, log("kafka")));
            closeAtExit(kafka);
        }
        return kafka;
    }

    /** The same server for all of the JVM; users that it does not know yet are created. */
    public static synchronized James james(James.User... users) {
        if (james == null) {
            james = James.start(James.Settings.of(List.of(), log("james")));
            closeAtExit(james);
        }
        for (James.User user : users) {
            james.addUser(user);
        }
        return james;
    }

    /** One server for each set of hidden capabilities; users that it does not know yet are created. */
    public static synchronized Dovecot dovecot(Set<String> hidden, Dovecot.User... users) {
        Dovecot dovecot = dovecots.computeIfAbsent(hidden, unused -> {
            Dovecot started = Dovecot.start(
                    new Dovecot.Settings(List.of(), hidden, log(hidden.isEmpty() ? "dovecot" : "dovecot-hidden")));
            closeAtExit(started);
            return started;
        });
        for (Dovecot.User user : users) {
            dovecot.addUser(user);
        }
        return dovecot;
    }

    private static void closeAtExit(AutoCloseable child) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                child.close();
            } catch (Exception e) {
                System.err.println("dev-stack: " + e);
            }
        }));
    }

    /** In the {@code target} of the module whose tests run. */
    private static Path log(String name) {
        return Path.of("target", "dev-stack", name + ".log").toAbsolutePath();
    }
}
