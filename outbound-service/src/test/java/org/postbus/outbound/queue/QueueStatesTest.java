package org.postbus.outbound.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.model.MutationId;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;

class QueueStatesTest {

    @Test
    void gauges_show_how_many_items_of_all_tenants_wait_in_each_state_and_for_how_long() throws SQLException {
        Vertx vertx = Vertx.vertx();
        try (TestDatabase database = new TestDatabase()) {
            for (int tenant = 0; tenant < 2; tenant++) {
                Account account =
                        database.account(new AccountSettings.Jmap("a@example.com", URI.create("http://127.0.0.1:1/")));
                for (String state : new String[] {"queued", "queued", "applied", "failed", "confirmed"}) {
                    MutationId mutation = database.mutation(account, database.email(account, null, null), "{}");
                    database.run(
                            "update pending_changes set state = ?, created_at = now() - interval '1 hour' where mutation_id = ?",
                            state,
                            mutation.value());
                }
                SubmissionId late = database.submission(account, "a@example.com", "m@x", "b@example.com");
                database.run(
                        "update submission set send_at = now() + interval '1 day' where submission_id = ?",
                        late.value());
            }
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            QueueStates states = new QueueStates(database.transactions(vertx), Duration.ofHours(1));
            new OutboundMetrics(registry).watch(states);
            assertThat(queue(registry, "", "mutations", "queued")).isZero();

            states.count();

            assertThat(queue(registry, "", "mutations", "queued")).isEqualTo(4);
            assertThat(queue(registry, "", "mutations", "applied")).isEqualTo(2);
            assertThat(queue(registry, "", "mutations", "failed")).isEqualTo(2);
            assertThat(queue(registry, "", "mutations", "in-doubt")).isZero();
            assertThat(queue(registry, "", "submissions", "queued")).isEqualTo(2);
            assertThat(queue(registry, ".oldest.seconds", "mutations", "failed"))
                    .isBetween(3_600.0, 7_200.0);
            assertThat(queue(registry, ".oldest.seconds", "submissions", "queued"))
                    .isZero();
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    private static double queue(SimpleMeterRegistry registry, String what, String queue, String state) {
        return registry.get("postbus.outbound.queue" + what)
                .tags("queue", queue, "state", state)
                .gauge()
                .value();
    }
}
