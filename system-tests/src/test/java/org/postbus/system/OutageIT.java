package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi.Answer;
import org.postbus.devstack.mailserver.James;
import org.postbus.system.RunningPostbus.Account;
import org.postbus.system.RunningPostbus.Protocol;

/**
 * Kafka and PostgreSQL are away for some time, with {@code -Dpostbus.long=true} for 5 minutes. The API answers as docs/operations.md says; afterwards
 * what happened meanwhile is there, and no service was restarted.
 */
class OutageIT {
    private static final Duration OUTAGE =
            Boolean.getBoolean("postbus.long") ? Duration.ofMinutes(5) : Duration.ofSeconds(45);
    /** A generous limit; what it took is printed. */
    private static final Duration BACK_MAX = Duration.ofSeconds(120);

    private static final Duration ANSWER_MAX = Duration.ofSeconds(15);
    private static final RunningPostbus RUNNING = RunningPostbus.get();

    private James.User user;
    private Account account;
    private String email;

    @BeforeEach
    void addAccount() {
        user = RUNNING.user("outage-" + UUID.randomUUID());
        RUNNING.fill(user, "INBOX", 11, 5);
        account = RUNNING.add(Protocol.IMAP, user);
        RUNNING.awaitSynced(account);
        email = RUNNING.api.emails(account.id()).getFirst().get("id").asText();
    }

    @Test
    void kafka_is_away() {
        Map<String, List<Long>> services = RUNNING.postbus.services().pids();
        RUNNING.postbus.kafka().process().kill();
        Map<String, Set<Integer>> answers = callsUntil(System.nanoTime() + OUTAGE.toNanos());
        RUNNING.fill(user, "INBOX", 12, 1);
        RUNNING.postbus.kafka().restart();
        report("Kafka", answers, () -> RUNNING.api.emails(account.id()).size() == 6);

        assertThat(answers.get("GET emails")).containsExactly(200);
        assertThat(answers.get("GET an email")).containsExactly(200);
        assertThat(answers.get("GET changes")).containsExactly(200);
        assertThat(answers.get("PATCH an email")).containsExactly(202);
        assertThat(answers.get("POST an account")).isSubsetOf(201, 409);
        assertThat(answers.get("POST sync")).contains(503).isSubsetOf(202, 503);
        assertThat(RUNNING.postbus.services().pids()).isEqualTo(services);
        RUNNING.awaitConverged(account);
    }

    @Test
    void postgres_is_away() {
        Map<String, List<Long>> services = RUNNING.postbus.services().pids();
        RUNNING.postbus.postgres().process().kill();
        Map<String, Set<Integer>> answers = callsUntil(System.nanoTime() + OUTAGE.toNanos());
        RUNNING.fill(user, "INBOX", 12, 1);
        RUNNING.postbus.postgres().restart();
        report("PostgreSQL", answers, () -> {
            Answer emails = RUNNING.api.get(account.path() + "/emails");
            return emails.status() == 200 && emails.body().get("list").size() == 6;
        });

        assertThat(answers.values()).allSatisfy(statuses -> assertThat(statuses).containsExactly(503));
        assertThat(RUNNING.postbus.services().pids()).isEqualTo(services);
        RUNNING.awaitConverged(account);
    }

    /** The statuses that each call was answered with. */
    private Map<String, Set<Integer>> callsUntil(long deadline) {
        Map<String, Set<Integer>> answers = new TreeMap<>();
        String emailPath = account.path() + "/emails/" + email;
        for (int round = 0; System.nanoTime() < deadline; round++) {
            String keyword = "round" + round;
            answered(answers, "GET emails", () -> RUNNING.api.get(account.path() + "/emails"));
            answered(answers, "GET an email", () -> RUNNING.api.get(emailPath));
            answered(answers, "GET changes", () -> RUNNING.api.get(account.path() + "/changes?since=0"));
            answered(
                    answers,
                    "PATCH an email",
                    () -> RUNNING.api.patch(emailPath, Map.of("keywords", Map.of(keyword, true))));
            answered(answers, "POST sync", () -> RUNNING.api.post(account.path() + "/sync", null));
            answered(answers, "POST an account", () -> RUNNING.api.post("accounts", unused()));
            pause();
        }
        return answers;
    }

    private static void answered(Map<String, Set<Integer>> answers, String name, Supplier<Answer> call) {
        long began = System.nanoTime();
        int status = call.get().status();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).as(name).isLessThan(ANSWER_MAX);
        answers.computeIfAbsent(name, first -> new TreeSet<>()).add(status);
    }

    private static Object unused() {
        return EventCodec.mapper()
                .createObjectNode()
                .put("protocol", "imap")
                .put("email", "nobody@example.com")
                .put("username", "nobody")
                .put("password", "none")
                .set(
                        "imap",
                        EventCodec.mapper()
                                .createObjectNode()
                                .put("host", James.HOST)
                                .put("port", RUNNING.postbus.james().ports().imap())
                                .put("tls", "none"));
    }

    private static void report(String what, Map<String, Set<Integer>> answers, Supplier<Boolean> isBack) {
        long began = System.nanoTime();
        await("mail that arrived while " + what + " was away")
                .atMost(BACK_MAX)
                .pollInterval(Duration.ofMillis(200))
                .ignoreExceptions()
                .until(isBack::get);
        System.out.printf(
                "%s was away for %d s: %s; mail that had arrived was there %.1f s after its return%n",
                what, OUTAGE.toSeconds(), answers, (System.nanoTime() - began) / 1e9);
    }

    private static void pause() {
        try {
            Thread.sleep(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
