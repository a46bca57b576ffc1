package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.gateway.problem.Problem;
import org.postbus.topic.Topics;

/** A gateway that can not reach the broker answers every request, and what it did not publish is published later. */
class BrokerAwayIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String ACCOUNT = """
            {"protocol": "imap", "email": "alice@example.com", "password": "s3cret",
             "imap": {"host": "127.0.0.1", "port": 1143, "tls": "none"}}""";

    @Test
    void requests_are_answered_and_accounts_are_published_when_the_broker_is_back() throws IOException, SQLException {
        Database database = DevStack.postgres().freshDatabase();
        Kafka kafka = DevStack.kafka(4);
        ApiKey key = ApiKey.issue(database, "broker away");
        Map<String, String> withoutBroker = new HashMap<>(GatewayProcess.TO_THIS_MACHINE);
        withoutBroker.put("POSTBUS_KAFKA", "127.0.0.1:1");
        try (HttpClient http = HttpClient.newHttpClient();
                StoredMail stored = StoredMail.in(database)) {
            UUID account;
            try (GatewayProcess away = GatewayProcess.start("gateway-broker-away", database, kafka, withoutBroker)) {
                // Given
                away.awaitReady(http);
                ApiCaller api =
                        new ApiCaller(http, away.url(), Optional.of(key.text().reveal()));

                // When
                Answer created = api.call("POST", "/v1/accounts", ACCOUNT);
                account = UUID.fromString(created.json().get("id").asText());
                Answer sync = api.call("POST", "/v1/accounts/" + account + "/sync", null);
                Answer list = api.get("/v1/accounts");

                // Then
                assertThat(created.status()).isEqualTo(201);
                assertThat(sync.status()).isEqualTo(503);
                assertThat(sync.contentType()).isEqualTo(Problem.MEDIA_TYPE);
                assertThat(sync.json().get("detail").asText()).contains("repeat the request");
                assertThat(sync.response().headers().firstValue("Retry-After")).isPresent();
                assertThat(list.status()).isEqualTo(200);
                assertThat(away.isAlive()).isTrue();
                assertThat(stored.value("select published_revision from account where account_id = ?", account))
                        .isEqualTo(0L);
            }

            // When
            try (GatewayProcess back =
                    GatewayProcess.start("gateway-broker-back", database, kafka, GatewayProcess.TO_THIS_MACHINE)) {
                back.awaitReady(http);

                // Then
                Awaitility.await()
                        .atMost(SOON)
                        .untilAsserted(() -> assertThat(stored.value(
                                        "select published_revision from account where account_id = ?", account))
                                .isEqualTo(1L));
                assertThat(TopicRecords.all(kafka, Topics.ACCOUNTS))
                        .anyMatch(record -> record.key().equals(account.toString()));
            }
        }
    }
}
