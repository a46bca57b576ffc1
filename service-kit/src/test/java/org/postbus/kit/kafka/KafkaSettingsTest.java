package org.postbus.kit.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.kit.settings.Settings;

class KafkaSettingsTest {
    private static KafkaSettings with(Map<String, String> more) {
        Map<String, String> values = new HashMap<>(Map.of("postbus.kafka", "broker.example:9093"));
        values.putAll(more);
        return KafkaSettings.of(Settings.of(name -> Optional.ofNullable(values.get(name))));
    }

    @Test
    void without_more_settings_the_connection_is_plain() {
        assertThat(with(Map.of()).connection())
                .isEqualTo(Map.of(
                        "bootstrap.servers",
                        "broker.example:9093",
                        "request.timeout.ms",
                        "10000",
                        "socket.connection.setup.timeout.ms",
                        "5000",
                        "socket.connection.setup.timeout.max.ms",
                        "10000"));
        assertThat(KafkaSettings.plaintext("broker.example:9093").connection())
                .isEqualTo(with(Map.of()).connection());
        assertThat(with(Map.of("postbus.kafka", "")).connection()).containsEntry("bootstrap.servers", "localhost:9092");
    }

    @Test
    void a_producer_waits_for_all_replicas_and_no_service_can_weaken_that() {
        Map<String, Object> settings = with(Map.of()).producer("test", Map.of("max.block.ms", 4000));
        ProducerConfig config = new ProducerConfig(settings);

        assertThat(config.getString(ProducerConfig.ACKS_CONFIG)).isEqualTo("-1");
        assertThat(config.getBoolean(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG)).isTrue();
        assertThat(config.getLong(ProducerConfig.MAX_BLOCK_MS_CONFIG)).isEqualTo(4000);
        assertThatThrownBy(() -> with(Map.of()).producer("test", Map.of("acks", "1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("every producer has acks=all, not 1");
        assertThatThrownBy(() -> with(Map.of()).producer("test", Map.of("enable.idempotence", false)))
                .isInstanceOf(IllegalArgumentException.class);
        // What would silently turn idempotence off is refused by the client.
        assertThatThrownBy(() -> new KafkaProducer<>(with(Map.of()).producer("test", Map.of("retries", 0))))
                .hasStackTraceContaining("idempoten");
    }

    @Test
    void a_consumer_commits_nothing_by_itself() {
        ConsumerConfig config = new ConsumerConfig(with(Map.of()).consumer("test", Map.of("group.id", "g")));

        assertThat(config.getBoolean(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG)).isFalse();
    }

    @Test
    void scram_takes_user_name_and_password_with_any_character() {
        Map<String, Object> connection = with(Map.of(
                        "postbus.kafka.security-protocol", "sasl_ssl",
                        "postbus.kafka.username", "post\"bus",
                        "postbus.kafka.password", "a\\b\"c;d"))
                .connection();

        assertThat(connection)
                .containsEntry("security.protocol", "SASL_SSL")
                .containsEntry("sasl.mechanism", "SCRAM-SHA-512");
        var entry = JaasContext.loadClientContext(Map.of(
                        SaslConfigs.SASL_JAAS_CONFIG,
                        new Password(connection.get("sasl.jaas.config").toString())))
                .configurationEntries()
                .getFirst();
        assertThat(entry.getLoginModuleName()).endsWith("ScramLoginModule");
        assertThat(entry.getOptions()).isEqualTo(Map.of("username", "post\"bus", "password", "a\\b\"c;d"));
    }

    @Test
    void certificates_are_pem_files(@TempDir Path directory) throws IOException {
        String trusted = Files.writeString(directory.resolve("ca.pem"), "").toString();
        String own = Files.writeString(directory.resolve("own.pem"), "").toString();

        assertThat(with(Map.of(
                                "postbus.kafka.security-protocol", "SSL",
                                "postbus.kafka.truststore", trusted,
                                "postbus.kafka.keystore", own))
                        .connection())
                .containsEntry("ssl.truststore.type", "PEM")
                .containsEntry("ssl.truststore.location", trusted)
                .containsEntry("ssl.keystore.type", "PEM")
                .containsEntry("ssl.keystore.location", own)
                .doesNotContainKey("ssl.endpoint.identification.algorithm");
    }

    @Test
    void a_setting_that_would_have_no_effect_is_refused() {
        assertThatThrownBy(() -> with(Map.of("postbus.kafka.username", "postbus")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("POSTBUS_KAFKA_USERNAME is set, but POSTBUS_KAFKA_SECURITY_PROTOCOL is without SASL");
        assertThatThrownBy(() -> with(Map.of("postbus.kafka.sasl-jaas-config-file", "/jaas")))
                .hasMessage(
                        "POSTBUS_KAFKA_SASL_JAAS_CONFIG_FILE is set, but POSTBUS_KAFKA_SECURITY_PROTOCOL is without SASL");
        assertThatThrownBy(() -> with(Map.of("postbus.kafka.security-protocol", "TLS")))
                .hasMessage("POSTBUS_KAFKA_SECURITY_PROTOCOL: there is no protocol TLS");
        assertThatThrownBy(() -> with(Map.of("postbus.kafka.security-protocol", "SASL_SSL")))
                .hasMessage("POSTBUS_KAFKA_USERNAME is not set");
        assertThatThrownBy(() -> with(Map.of(
                        "postbus.kafka.security-protocol",
                        "SASL_SSL",
                        "postbus.kafka.sasl-mechanism",
                        "GSSAPI",
                        "postbus.kafka.username",
                        "u",
                        "postbus.kafka.password",
                        "p")))
                .hasMessage("POSTBUS_KAFKA_SASL_MECHANISM GSSAPI needs POSTBUS_KAFKA_SASL_JAAS_CONFIG");
    }

    @Test
    void secrets_do_not_show() {
        assertThat(with(Map.of(
                                "postbus.kafka.security-protocol", "SASL_SSL",
                                "postbus.kafka.username", "u",
                                "postbus.kafka.password", "hidden"))
                        .toString())
                .isEqualTo("broker.example:9093, SASL_SSL");
    }
}
