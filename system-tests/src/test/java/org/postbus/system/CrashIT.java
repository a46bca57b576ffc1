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
import org.postbus.system.Running.Account;
import org.postbus.system.Running.Protocol;

/** A process is killed in the middle of its work and started again: the result is the same. */
class CrashIT {
    private static final int MESSAGES = 2000;
    private static final int WISHES = 40;
    private static final Running RUNNING = Running.get();
    private static James.User user;

    @BeforeAll
    static void fill() {
        user = RUNNING.user("carol");
        RUNNING.fill(user, "INBOX", 7, MESSAGES);
    }

    @Test
    void fetcher_killed_in_the_first_run_over_imap() {
        killedInTheFirstRun(Protocol.IMAP, "fetcher-1");
    }

    @Test
    void fetcher_killed_in_the_first_run_over_jmap() {
        killedInTheFirstRun(Protocol.JMAP, "fetcher-1");
    }

    @Test
    void writer_killed_in_the_first_run() {
        killedInTheFirstRun(Protocol.IMAP, "writer-1");
    }

    @Test
    void outbound_killed_while_it_carries_wishes_out() {
        Account account = RUNNING.add(Protocol.IMAP, user);
        RUNNING.awaitSynced(account);
        List<String> ids = RUNNING.api.emails(account.id()).stream()
                .limit(WISHES)
                .map(email -> email.get("id").asText())
                .toList();
        for (String id : ids) {
            RUNNING.api.mutate(account.id(), id, Map.of("keywords", Map.of("after-the-crash", true)));
            if (id.equals(ids.get(WISHES / 2))) {
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
                                .hasSize(WISHES);
                    }
                });
        RUNNING.awaitConverged(account);
        RUNNING.api.delete(account.path()).expect(204);
    }

    private static void killedInTheFirstRun(Protocol protocol, String instance) {
        Account account = RUNNING.add(protocol, user);
        await().atMost(Running.SYNC_LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> RUNNING.emailsInDatabase(account) > 0);
        RUNNING.postbus.services().kill(instance);
        long reached = RUNNING.emailsInDatabase(account);
        RUNNING.postbus.services().restart(instance);

        assertThat(reached).as("killed in the middle").isLessThan(MESSAGES);
        RUNNING.awaitSynced(account);
        RUNNING.awaitConverged(account);
        RUNNING.api.delete(account.path()).expect(204);
        await("its rows go").atMost(Duration.ofSeconds(30)).until(() -> RUNNING.emailsInDatabase(account) == 0);
    }
}
