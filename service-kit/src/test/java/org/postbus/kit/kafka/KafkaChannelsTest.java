package org.postbus.kit.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigValue;
import org.eclipse.microprofile.config.spi.ConfigSource;
import org.eclipse.microprofile.config.spi.Converter;
import org.junit.jupiter.api.Test;

class KafkaChannelsTest {
    private static final Map<String, String> SAFE = Map.of(
            "mp.messaging.outgoing.accounts.connector", "smallrye-kafka",
            "mp.messaging.outgoing.accounts.acks", "all",
            "mp.messaging.outgoing.accounts.enable.idempotence", "true",
            "mp.messaging.outgoing.\"in-memory\".connector", "smallrye-in-memory",
            "mp.messaging.incoming.changes.connector", "smallrye-kafka");

    /** Texts by name. */
    private record Texts(Map<String, String> values) implements Config {
        @Override
        public <T> T getValue(String name, Class<T> type) {
            return getOptionalValue(name, type).orElseThrow();
        }

        @Override
        public <T> Optional<T> getOptionalValue(String name, Class<T> type) {
            return Optional.ofNullable(values.get(name)).map(type::cast);
        }

        @Override
        public Iterable<String> getPropertyNames() {
            return values.keySet();
        }

        @Override
        public Iterable<ConfigSource> getConfigSources() {
            return List.of();
        }

        @Override
        public ConfigValue getConfigValue(String name) {
            throw new UnsupportedOperationException();
        }

        @Override
        public <T> Optional<Converter<T>> getConverter(Class<T> type) {
            return Optional.empty();
        }

        @Override
        public <T> T unwrap(Class<T> type) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void channels_get_the_connection_and_every_other_setting_of_the_client() {
        Config config = new Texts(Map.of(
                "postbus.kafka", "broker.example:9093",
                "kafka.bootstrap.servers", "elsewhere:9092",
                "kafka.client.rack", "one",
                "KAFKA_RECONNECT_BACKOFF_MS", "100",
                "quarkus.kafka.health.enabled", "false"));
        KafkaChannels channels = new KafkaChannels();

        assertThat(channels.defaults(config, channels.settings(config)))
                .isEqualTo(Map.of(
                        "bootstrap.servers", "broker.example:9093",
                        "client.rack", "one",
                        "reconnect.backoff.ms", "100",
                        "request.timeout.ms", "10000",
                        "socket.connection.setup.timeout.ms", "5000",
                        "socket.connection.setup.timeout.max.ms", "10000"));
    }

    @Test
    void an_outgoing_channel_that_could_lose_records_keeps_the_process_from_starting() {
        assertThatCode(() -> KafkaChannels.requireGuarantees(new Texts(SAFE))).doesNotThrowAnyException();

        Map<String, String> weak = new HashMap<>(SAFE);
        weak.put("mp.messaging.outgoing.accounts.acks", "1");
        assertThatThrownBy(() -> KafkaChannels.requireGuarantees(new Texts(weak)))
                .hasMessage("mp.messaging.outgoing.accounts.acks must be all, it is 1");

        Map<String, String> silent = new HashMap<>(SAFE);
        silent.remove("mp.messaging.outgoing.accounts.enable.idempotence");
        assertThatThrownBy(() -> KafkaChannels.requireGuarantees(new Texts(silent)))
                .hasMessage("mp.messaging.outgoing.accounts.enable.idempotence must be true, it is not set");
    }
}
