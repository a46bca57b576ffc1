package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.kafka.Listener;
import org.postbus.devstack.process.FreePort;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.kit.settings.Settings;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

/**
 * The ways in which a service logs in to Kafka, on a real broker: SCRAM over TLS, mutual TLS, OAUTHBEARER with tokens of an authorization server.
 * All of them as the writer, which may write changes and no observations.
 */
class KafkaLoginTest {
    private static final long ANSWER_MAX_SECONDS = 60;
    private static final String OAUTH_MODULE =
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";

    @TempDir
    private static Path directory;

    private static TokenEndpoint tokens;
    private static Certificate server;
    private static Certificate writer;
    private static Certificate stranger;
    private static Kafka kafka;
    private static final int SCRAM = FreePort.find();
    private static final int CERTIFICATES = FreePort.find();
    private static final int OAUTH = FreePort.find();

    @BeforeAll
    static void start() throws Exception {
        tokens = new TokenEndpoint("writer-client", "client-secret", KafkaUser.WRITER.user());
        server = Certificate.of("localhost", directory);
        writer = Certificate.of(KafkaUser.WRITER.user(), directory);
        stranger = Certificate.of("stranger", directory);
        kafka = Kafka.start(new Kafka.Settings(
                Optional.of(directory.resolve("kafka")),
                Optional.empty(),
                2,
                directory.resolve("kafka.log"),
                List.of(
                        new Listener(
                                "SCRAM",
                                "SASL_SSL",
                                SCRAM,
                                tls(Map.of(
                                        "sasl.enabled.mechanisms",
                                        "SCRAM-SHA-512",
                                        "scram-sha-512.sasl.jaas.config",
                                        "org.apache.kafka.common.security.scram.ScramLoginModule required;"))),
                        new Listener(
                                "CERTIFICATES",
                                "SSL",
                                CERTIFICATES,
                                tls(Map.of(
                                        "ssl.client.auth",
                                        "required",
                                        "ssl.truststore.type",
                                        "PEM",
                                        "ssl.truststore.location",
                                        writer.trusted().toString(),
                                        "ssl.principal.mapping.rules",
                                        "RULE:^CN=([^,]+)$/$1/"))),
                        new Listener(
                                "OAUTH",
                                "SASL_SSL",
                                OAUTH,
                                tls(Map.of(
                                        "sasl.enabled.mechanisms",
                                        "OAUTHBEARER",
                                        "oauthbearer.sasl.jaas.config",
                                        OAUTH_MODULE,
                                        "oauthbearer.sasl.server.callback.handler.class",
                                        "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
                                        "sasl.oauthbearer.jwks.endpoint.url",
                                        tokens.jwksUrl(),
                                        "sasl.oauthbearer.expected.audience",
                                        "kafka")))),
                List.of("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + tokens.jwksUrl())));
    }

    @AfterAll
    static void stop() {
        if (kafka != null) {
            kafka.close();
        }
        tokens.close();
    }

    @Test
    void scram_over_tls() throws Exception {
        Map<String, String> settings = Map.of(
                "POSTBUS_KAFKA", "localhost:" + SCRAM,
                "POSTBUS_KAFKA_SECURITY_PROTOCOL", "SASL_SSL",
                "POSTBUS_KAFKA_TRUSTSTORE", server.trusted().toString(),
                "POSTBUS_KAFKA_USERNAME", KafkaUser.WRITER.user(),
                "POSTBUS_KAFKA_PASSWORD_FILE",
                        kafka.passwordFile(KafkaUser.WRITER).toString());
        assertIsTheWriter(settings);

        assertRefused(settings, "POSTBUS_KAFKA_PASSWORD_FILE", file("wrong", "guess"));
        assertRefused(settings, "POSTBUS_KAFKA_TRUSTSTORE", stranger.trusted());
    }

    @Test
    void mutual_tls() throws Exception {
        Map<String, String> settings = Map.of(
                "POSTBUS_KAFKA",
                "localhost:" + CERTIFICATES,
                "POSTBUS_KAFKA_SECURITY_PROTOCOL",
                "SSL",
                "POSTBUS_KAFKA_TRUSTSTORE",
                server.trusted().toString(),
                "POSTBUS_KAFKA_KEYSTORE",
                writer.own().toString());
        assertIsTheWriter(settings);

        assertRefused(settings, "POSTBUS_KAFKA_KEYSTORE", stranger.own());
    }

    @Test
    void tokens_of_an_authorization_server() throws Exception {
        Map<String, String> settings = Map.of(
                "POSTBUS_KAFKA",
                "localhost:" + OAUTH,
                "POSTBUS_KAFKA_SECURITY_PROTOCOL",
                "SASL_SSL",
                "POSTBUS_KAFKA_TRUSTSTORE",
                server.trusted().toString(),
                "POSTBUS_KAFKA_SASL_MECHANISM",
                "OAUTHBEARER",
                "POSTBUS_KAFKA_OAUTH_TOKEN_URL",
                tokens.tokenUrl(),
                "POSTBUS_KAFKA_OAUTH_CLIENT_ID",
                "writer-client",
                "POSTBUS_KAFKA_OAUTH_CLIENT_SECRET_FILE",
                file("client-secret", "client-secret\n").toString(),
                "POSTBUS_KAFKA_OAUTH_SCOPE",
                "kafka");
        assertIsTheWriter(settings);

        assertRefused(settings, "POSTBUS_KAFKA_OAUTH_CLIENT_SECRET_FILE", file("other-secret", "guess"));
        // A token that the broker's authorization server has not signed.
        try (TokenEndpoint other = new TokenEndpoint("writer-client", "client-secret", KafkaUser.WRITER.user())) {
            Map<String, String> forged = new HashMap<>(settings);
            forged.put("POSTBUS_KAFKA_OAUTH_TOKEN_URL", other.tokenUrl());
            assertThatThrownBy(() -> send(forged, Topics.CHANGES)).isInstanceOf(Exception.class);
        }
    }

    private static void assertIsTheWriter(Map<String, String> settings) throws Exception {
        send(settings, Topics.CHANGES);
        assertThatThrownBy(() -> send(settings, Topics.OBSERVATIONS))
                .hasRootCauseInstanceOf(TopicAuthorizationException.class);
    }

    private static void assertRefused(Map<String, String> settings, String variable, Path value) {
        Map<String, String> changed = new HashMap<>(settings);
        changed.put(variable, value.toString());
        assertThatThrownBy(() -> send(changed, Topics.CHANGES))
                .isInstanceOfAny(ExecutionException.class, org.apache.kafka.common.KafkaException.class);
    }

    private static void send(Map<String, String> settings, String topic) throws Exception {
        KafkaSettings kafka =
                KafkaSettings.of(Settings.of(name -> Optional.ofNullable(settings.get(Settings.variable(name)))));
        assertThat(kafka.toString()).doesNotContain("secret");
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(kafka.producer("login-test", Map.of(ProducerConfig.MAX_BLOCK_MS_CONFIG, 30_000)))) {
            producer.send(new ProducerRecord<>(topic, "key", new byte[] {'{', '}'}))
                    .get(ANSWER_MAX_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static Path file(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    private static Map<String, String> tls(Map<String, String> more) {
        Map<String, String> properties = new HashMap<>(more);
        properties.put("ssl.keystore.type", "PEM");
        properties.put("ssl.keystore.location", server.own().toString());
        return properties;
    }
}
