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

/** The servers that tests share: each is started at its first use in a JVM and ends with the JVM. */
public final class DevStack {
    private static Postgres postgres;
    private static Kafka kafka;
    private static James james;
    private static final Map<Set<String>, Dovecot> dovecots = new HashMap<>();

    private DevStack() {}

    /** Migrated. {@link Postgres#freshDatabase()} gives a test a database of its own. */
    public static synchronized Postgres postgres() {
        if (postgres == null) {
            postgres = Postgres.start(Postgres.Settings.temporary(log("postgres")));
            closeAtExit(postgres);
        }
        return postgres;
    }

    /**
     * The first call in a JVM decides the number of partitions per topic. 8 are enough for a test, and much quicker to create than
     * {@link org.postbus.topic.Topics#PARTITIONS}.
     */
    public static synchronized Kafka kafka(int partitions) {
        if (kafka == null) {
            kafka = Kafka.start(Kafka.Settings.temporary(partitions, log("kafka")));
            closeAtExit(kafka);
        }
        return kafka;
    }

    /** One server per JVM; creates the users. */
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

    /** One server per set of hidden capabilities; creates the users. */
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

    /** In {@code target} of the module whose tests run. */
    private static Path log(String name) {
        return Path.of("target", "dev-stack", name + ".log").toAbsolutePath();
    }
}
