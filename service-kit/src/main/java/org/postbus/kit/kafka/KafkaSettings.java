package org.postbus.kit.kafka;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.kit.settings.Settings;

/**
 * How this process reaches Kafka.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_KAFKA}<td>bootstrap servers, {@code host:port,host:port}; {@code localhost:9092} without it
 *   <tr><td>{@code POSTBUS_KAFKA_SECURITY_PROTOCOL}<td>{@code PLAINTEXT} (default), {@code SSL}, {@code SASL_PLAINTEXT}, {@code SASL_SSL}
 *   <tr><td>SASL<td>{@link SaslSettings}
 *   <tr><td>{@code POSTBUS_KAFKA_TRUSTSTORE}<td>PEM file with the trusted authorities; without it those of the JVM
 *   <tr><td>{@code POSTBUS_KAFKA_KEYSTORE}<td>PEM file with the client's private key (PKCS#8) and certificate chain, for mutual TLS
 *   <tr><td>{@code POSTBUS_KAFKA_KEYSTORE_PASSWORD} or {@code _KEYSTORE_PASSWORD_FILE}<td>of an encrypted private key
 * </table>
 *
 * <p>A broker that does not answer a request within 10 s, because it hangs or the connection is half-open, is disconnected and connected to
 * again. Kafka's own default is 30 s, and longer than that nothing would be sent or received after a failover without a word.
 *
 * <p>The name of the broker is always verified with TLS. The maps hold secrets: do not log them.
 */
public final class KafkaSettings {
    private static final String PREFIX = "postbus.kafka";
    private static final String LOCAL = "localhost:9092";
    private static final int DELIVERY_MAX_MILLIS = 120_000;
    /** What no service may weaken: a record that was acknowledged is on all replicas, once and in order. */
    private static final Map<String, Object> GUARANTEES = Map.of(
            ProducerConfig.ACKS_CONFIG,
            "all",
            // Named although it is the default: the client then refuses a setting that would silently turn it off.
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
            true,
            ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
            5);

    /** Above 500 ms, the time that a broker waits for records, and what it needs for replication. */
    private static final String ANSWER_MAX_MILLIS = "10000";

    private static final String CONNECT_MAX_MILLIS = "5000";
    /** Of clients of every kind. A client's own settings take precedence. */
    private static final Map<String, Object> LIMITS = Map.of(
            CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG,
            ANSWER_MAX_MILLIS,
            CommonClientConfigs.SOCKET_CONNECTION_SETUP_TIMEOUT_MS_CONFIG,
            CONNECT_MAX_MILLIS,
            CommonClientConfigs.SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS_CONFIG,
            ANSWER_MAX_MILLIS);

    private final Map<String, Object> connection;

    private KafkaSettings(Map<String, Object> connection) {
        Map<String, Object> limited = new HashMap<>(LIMITS);
        limited.putAll(connection);
        this.connection = Map.copyOf(limited);
    }

    /** A broker without TLS and login, as in tests. */
    public static KafkaSettings plaintext(String bootstrapServers) {
        return new KafkaSettings(Map.of(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers));
    }

    /** @throws IllegalArgumentException if one is missing or contradicts another; names the environment variable */
    public static KafkaSettings of(Settings settings) {
        Map<String, Object> connection = new HashMap<>();
        connection.put(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                settings.find(PREFIX).orElse(LOCAL));
        SecurityProtocol protocol = protocol(settings);
        if (protocol != SecurityProtocol.PLAINTEXT) {
            connection.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, protocol.name);
        }
        if (protocol == SecurityProtocol.SSL || protocol == SecurityProtocol.SASL_SSL) {
            connection.putAll(tls(settings));
        } else {
            refuse(settings, "TLS", List.of("truststore", "keystore", "keystore-password", "keystore-password-file"));
        }
        if (protocol == SecurityProtocol.SASL_PLAINTEXT || protocol == SecurityProtocol.SASL_SSL) {
            connection.putAll(SaslSettings.of(settings));
        } else {
            refuse(settings, "SASL", SaslSettings.NAMES);
        }
        return new KafkaSettings(connection);
    }

    /** Bootstrap servers, TLS, SASL and time limits: what clients of every kind need. */
    public Map<String, Object> connection() {
        return connection;
    }

    /**
     * For a producer of text keys and JSON values. Waits for all replicas, idempotent, without lingering.
     *
     * @param clientId shown by the broker's logs and metrics
     * @param more settings of this producer
     * @throws IllegalArgumentException if {@code more} weakens what every producer guarantees
     */
    public Map<String, Object> producer(String clientId, Map<String, Object> more) {
        Map<String, Object> producer = new HashMap<>(connection);
        producer.put(ProducerConfig.CLIENT_ID_CONFIG, clientId);
        producer.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        producer.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        producer.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, DELIVERY_MAX_MILLIS);
        producer.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        producer.putAll(more);
        GUARANTEES.forEach((name, value) -> {
            Object given = more.getOrDefault(name, value);
            if (!given.toString().equals(value.toString())) {
                throw new IllegalArgumentException("every producer has " + name + "=" + value + ", not " + given);
            }
            producer.put(name, value);
        });
        return Map.copyOf(producer);
    }

    /**
     * For a consumer of text keys and JSON values that commits nothing by itself.
     *
     * @param clientId shown by the broker's logs and metrics
     * @param more settings of this consumer
     */
    public Map<String, Object> consumer(String clientId, Map<String, Object> more) {
        Map<String, Object> consumer = new HashMap<>(connection);
        consumer.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
        consumer.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
        consumer.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        consumer.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        consumer.putAll(more);
        return Map.copyOf(consumer);
    }

    private static SecurityProtocol protocol(Settings settings) {
        String name = PREFIX + ".security-protocol";
        Optional<String> given = settings.find(name);
        try {
            return given.map(protocol -> SecurityProtocol.forName(protocol.toUpperCase(Locale.ROOT)))
                    .orElse(SecurityProtocol.PLAINTEXT);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    Settings.variable(name) + ": there is no protocol " + given.orElseThrow(), e);
        }
    }

    private static Map<String, Object> tls(Settings settings) {
        Map<String, Object> tls = new HashMap<>();
        settings.file(PREFIX + ".truststore").ifPresent(file -> {
            tls.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
            tls.put(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, file.toString());
        });
        settings.file(PREFIX + ".keystore").ifPresent(file -> {
            tls.put(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG, "PEM");
            tls.put(SslConfigs.SSL_KEYSTORE_LOCATION_CONFIG, file.toString());
        });
        settings.secret(PREFIX + ".keystore-password")
                .ifPresent(password -> tls.put(SslConfigs.SSL_KEY_PASSWORD_CONFIG, password.reveal()));
        return tls;
    }

    /** A setting without effect is a mistake that would leave a connection open to others. */
    private static void refuse(Settings settings, String what, List<String> names) {
        for (String name : names) {
            if (settings.find(PREFIX + "." + name).isPresent()) {
                throw new IllegalArgumentException(Settings.variable(PREFIX + "." + name) + " is set, but "
                        + Settings.variable(PREFIX + ".security-protocol") + " is without " + what);
            }
        }
    }

    /** Without secrets. */
    @Override
    public String toString() {
        return connection.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG) + ", "
                + connection.getOrDefault(
                        CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, SecurityProtocol.PLAINTEXT.name);
    }
}
