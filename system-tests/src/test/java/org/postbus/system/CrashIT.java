package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.system.RunningPostbus.Account;
import org.postbus.system.RunningPostbus.Protocol;

/** A process is killed during its work and restarted: the result is the same. */
class CrashIT {
    private static final int MESSAGES = 2000;
    private static final int MUTATIONS = 40;
    private static final RunningPostbus RUNNING = RunningPostbus.get();
    private static James.User user;

    @BeforeAll
    static void fill() {
        user = RUNNING.user("carol");
        RUNNING.fill(user, "INBOX", 7, MESSAGES);
    }

    @Test
    void fetcher_killed_in_the_initial_sync_over_imap() {
        killedInTheInitialSync(Protocol.IMAP, "fetcher-1");
    }

    @Test
    void fetcher_killed_in_the_initial_sync_over_jmap() {
        killedInTheInitialSync(Protocol.JMAP, "fetcher-1");
    }

    @Test
    void writer_killed_in_the_initial_sync() {
        killedInTheInitialSync(Protocol.IMAP, "writer-1");
    }

    @Test
    void outbound_killed_while_it_applies_mutations() {
        Account account = RUNNING.add(Protocol.IMAP, user);
        RUNNING.awaitSynced(account);
        List<String> ids = RUNNING.api.emails(account.id()).stream()
                .limit(MUTATIONS)
                .map(email -> email.get("id").asText())
                .toList();
        for (String id : ids) {
            RUNNING.api.mutate(account.id(), id, Map.of("keywords", Map.of("after-the-crash", true)));
            if (id.equals(ids.get(MUTATIONS / 2))) {
                RUNNING.postbus.services().kill("outbound-1");
            }
        }
        RUNNING.postbus.services().restart("outbound-1");

        await().atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofSeconds(1))
                .untilAsserted(() -> {
                    try (RawImap imap = RUNNING.imap(user)) {
                        imap.select("INBOX");
                        assertThat(imap.fetchAll())
                                .filteredOn(message -> message.flags().contains("after-the-crash"))
                                .hasSize(MUTATIONS);
                    }
                });
        RUNNING.awaitConverged(account);
        RUNNING.api.delete(account.path()).expect(204);
    }

    private static void killedInTheInitialSync(Protocol protocol, String instance) {
        Account account = RUNNING.add(protocol, user);
        await().atMost(RunningPostbus.SYNC_LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> RUNNING.emailsInDatabase(account) > 0);
        RUNNING.postbus.services().kill(instance);
        long reached = RUNNING.emailsInDatabase(account);
        RUNNING.postbus.services().restart(instance);

        assertThat(reached).as("emails at the time of the kill").isLessThan(MESSAGES);
        RUNNING.awaitSynced(account);
        RUNNING.awaitConverged(account);
        RUNNING.api.delete(account.path()).expect(204);
        await("its rows are deleted")
                .atMost(Duration.ofSeconds(30))
                .until(() -> RUNNING.emailsInDatabase(account) == 0);
    }
}
