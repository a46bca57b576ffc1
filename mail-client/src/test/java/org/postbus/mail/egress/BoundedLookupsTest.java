package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxInternal;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class BoundedLookupsTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);

    private final Map<String, Promise<List<InetAddress>>> asked = new ConcurrentHashMap<>();

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    private BoundedLookups lookups(Duration timeMax) {
        return new BoundedLookups(
                (VertxInternal) VERTX,
                name -> {
                    Promise<List<InetAddress>> answer = Promise.promise();
                    assertThat(asked.put(name, answer))
                            .as("%s is looked up twice", name)
                            .isNull();
                    return answer.future();
                },
                timeMax);
    }

    @Test
    void more_lookups_than_allowed_wait_for_their_turn() {
        BoundedLookups lookups = lookups(WAIT);
        List<Future<List<InetAddress>>> all = new ArrayList<>();
        for (int i = 0; i < BoundedLookups.AT_ONCE_MAX + 10; i++) {
            all.add(lookups.of("n" + i));
        }
        assertThat(asked).hasSize(BoundedLookups.AT_ONCE_MAX);

        asked.get("n0").complete(List.of(TestEgress.address("127.0.0.1")));

        await().atMost(WAIT).until(() -> asked.size() == BoundedLookups.AT_ONCE_MAX + 1);
        await().atMost(WAIT).until(() -> all.getFirst().succeeded());
        assertThat(all.getFirst().result()).containsExactly(TestEgress.address("127.0.0.1"));
    }

    @Test
    void a_name_that_is_being_looked_up_is_not_looked_up_again() {
        BoundedLookups lookups = lookups(WAIT);
        Future<List<InetAddress>> one = lookups.of("same");
        Future<List<InetAddress>> other = lookups.of("same");

        asked.remove("same").complete(List.of());

        await().atMost(WAIT).until(() -> one.succeeded() && other.succeeded());
        lookups.of("same");
        assertThat(asked).as("nothing is kept").containsKey("same");
    }

    @Test
    void lookups_that_take_too_long_fail_and_make_room() {
        BoundedLookups lookups = lookups(Duration.ofMillis(300));
        List<Future<List<InetAddress>>> all = new ArrayList<>();
        for (int i = 0; i < BoundedLookups.AT_ONCE_MAX + 10; i++) {
            all.add(lookups.of("n" + i));
        }

        await().atMost(WAIT).until(() -> all.stream().allMatch(Future::failed));

        Future<List<InetAddress>> later = lookups.of("later");
        asked.get("later").complete(List.of());
        await().atMost(WAIT).until(later::succeeded);
    }
}
