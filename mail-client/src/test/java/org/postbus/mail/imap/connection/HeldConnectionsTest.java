package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.HostileImapServer;
import org.postbus.mail.memory.HeldBytes;

/** Connections of which each stays within its limits, and which together would take all memory. */
class HeldConnectionsTest {
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final long BYTES_MAX = 4 << 20;
    private static final int CONNECTIONS = 30;
    /** Each takes 350 bytes of memory: of one account 1.75 MB. */
    private static final int MAILBOXES = 5000;

    private static final Credential PASSWORD = new Credential.Password(new Secret("secret"));

    private final HeldBytes held = new HeldBytes(BYTES_MAX);
    private Vertx vertx;
    private ImapClient client;

    @BeforeEach
    void start() {
        vertx = Vertx.vertx();
        client = new ImapClient(
                TestEgress.toThisMachine(vertx),
                ImapOptions.DEFAULT.withHeld(held).withSilenceMax(WAIT));
    }

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private ImapConnection open(HostileImapServer server) {
        return client.open(server.address(TlsMode.NONE), "alice", PASSWORD)
                .await()
                .atMost(WAIT);
    }

    @Test
    void the_largest_are_ended_and_a_small_one_is_served() {
        List<ServerFailure> failures = new CopyOnWriteArrayList<>();
        List<ImapConnection> greedy = new ArrayList<>();
        try (HostileImapServer unending = HostileImapServer.that(victim -> {
                    victim.say("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n");
                    victim.hear();
                    for (int i = 0; i < MAILBOXES; i++) {
                        victim.say("* LIST () \"/\" \"" + "n".repeat(80) + i + "\"\r\n");
                    }
                });
                HostileImapServer normal = HostileImapServer.that(victim -> {
                    victim.say("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n");
                    while (true) {
                        String command = victim.hear();
                        victim.say(command.substring(0, command.indexOf(' ')) + " OK done\r\n");
                    }
                })) {
            ImapConnection small = open(normal);
            for (int i = 0; i < CONNECTIONS; i++) {
                ImapConnection connection = open(unending);
                greedy.add(connection);
                connection
                        .list()
                        .subscribe()
                        .with(listed -> {}, failure -> failures.add(((ServerException) failure).failure()));
            }

            // Two of them fit into the limit.
            await().atMost(WAIT).untilAsserted(() -> {
                small.noop().await().atMost(WAIT);
                assertThat(held.held()).isLessThanOrEqualTo(BYTES_MAX);
                assertThat(failures).hasSizeGreaterThanOrEqualTo(CONNECTIONS - 2);
            });

            assertThat(failures)
                    .allSatisfy(failure -> assertThat(failure).isInstanceOf(ServerFailure.Unreachable.class))
                    .allSatisfy(failure -> assertThat(failure.text()).contains("takes more memory"));
            assertThat(held.ended()).isEqualTo(failures.size());
            assertThat(small.noop().map(done -> true).await().atMost(WAIT)).isTrue();
            greedy.forEach(ImapConnection::close);
            small.close();
            await().atMost(WAIT).until(() -> held.held() == 0);
        }
    }

    @Test
    void what_a_caller_keeps_counts_for_the_connection() {
        try (HostileImapServer normal = HostileImapServer.that(victim -> {
            victim.say("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n");
            while (true) {
                String command = victim.hear();
                victim.say(command.substring(0, command.indexOf(' ')) + " OK done\r\n");
            }
        })) {
            ImapConnection connection = open(normal);
            ImapConnection other = open(normal);
            HeldBytes.Share kept = connection.keeping();
            kept.set(BYTES_MAX / 2 + 1);
            assertThat(connection.isMemoryTight()).isTrue();

            HeldBytes.Share more = other.keeping();
            more.set(BYTES_MAX / 2);

            await().atMost(WAIT)
                    .untilAsserted(() -> assertThat(connection
                                    .noop()
                                    .map(done -> "")
                                    .onFailure(ServerException.class)
                                    .recoverWithItem(failure -> ((ServerException) failure)
                                            .failure()
                                            .text())
                                    .await()
                                    .atMost(WAIT))
                            .contains("takes more memory"));
            Uni<Boolean> served = other.noop().map(done -> true);
            assertThat(served.await().atMost(WAIT)).isTrue();
            other.close();
            await().atMost(WAIT).until(() -> held.held() == 0);
        }
    }
}
