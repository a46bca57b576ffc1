package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.local.Services;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.PgBouncer;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/**
 * All services with PgBouncer in transaction mode between them and the database, and three connections per role: every kind of statement of
 * every service, from both of the gateway's clients. Skipped with a message where PgBouncer is not installed.
 */
class PoolerIT {
    private static final int CONNECTIONS = 3;
    private static final int MESSAGES = 20;
    private static final Duration LIMIT = Duration.ofSeconds(120);

    @TempDir
    private Path directory;

    @Test
    void mail_is_synced_changed_and_sent() {
        Assumptions.assumeTrue(PgBouncer.isInstalled(), "PgBouncer is not installed");
        James.User alice = James.User.of("pooled", "secret");
        James james = DevStack.james(alice);
        fill(james, alice);
        Database database = DevStack.postgres().freshDatabase();
        ApiKey key = ApiKey.issue(database, "pooled");
        Map<String, String> environment = new HashMap<>(Map.of("POSTBUS_DB_POOLER", "transaction"));
        try (PgBouncer pooler = PgBouncer.start(
                        database,
                        CONNECTIONS,
                        Path.of("target", "dev-stack", "pgbouncer.log").toAbsolutePath());
                Services services = Services.start(Services.Settings.of(pooler.database(), DevStack.kafka(8), directory)
                        .environment(environment));
                PostbusApi api = new PostbusApi(services.api(), key.text())) {
            AccountId account = api.addImapAccount(james, alice);
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(api.emails(account)).hasSize(MESSAGES));

            JsonNode email = api.emails(account).getFirst();
            api.get("accounts/" + account + "/emails/" + email.get("id").asText())
                    .expect(200);
            api.mutate(account, email.get("id").asText(), Map.of("keywords", Map.of("$flagged", true)));
            api.post(
                            "accounts/" + account + "/submissions",
                            Map.of(
                                    "to",
                                    List.of(Map.of("email", alice.address())),
                                    "subject",
                                    "through the pooler",
                                    "text",
                                    "hello"))
                    .expect(202);
            await().atMost(LIMIT).untilAsserted(() -> {
                assertThat(api.get("accounts/" + account + "/mutations")
                                .expect(200)
                                .at("/list/0/state")
                                .asText())
                        .isEqualTo("confirmed");
                assertThat(api.emails(account))
                        .anySatisfy(found ->
                                assertThat(found.path("subject").asText()).isEqualTo("through the pooler"));
            });
            api.delete("accounts/" + account).expect(204);
            await().atMost(LIMIT)
                    .untilAsserted(() -> api.get("accounts/" + account).expect(404));
        }
    }

    private static void fill(James james, James.User user) {
        MailCorpus corpus = new MailCorpus(11, user.address(), Instant.parse("2025-01-01T00:00:00Z"));
        try (RawImap imap = RawImap.login(
                James.HOST,
                james.ports().imap(),
                user.address(),
                user.password().reveal())) {
            for (int i = 0; i < MESSAGES; i++) {
                MailCorpus.Mail mail = corpus.next();
                imap.append("INBOX", mail.flags(), mail.date(), mail.raw());
            }
        }
    }
}
