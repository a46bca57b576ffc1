package org.postbus.kit.kafka;

import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.context.Initialized;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.Config;
import org.postbus.kit.settings.Settings;

/**
 * Configures the Kafka channels of SmallRye Reactive Messaging as {@link KafkaSettings} says, and refuses to start a process whose outgoing
 * channels could lose records.
 *
 * <p>SmallRye uses the bean of this type with the identifier {@code default-kafka-broker}; a channel's own attributes take precedence over it.
 * Quarkus has one of its own, made of the properties {@code kafka.*}; this one replaces it and takes these properties over, so every setting of a
 * Kafka client can still be given.
 */
@Singleton
public class KafkaChannels {
    private static final Pattern OUTGOING =
            Pattern.compile("mp\\.messaging\\.outgoing\\.(\"?)([^.\"]+)\\1\\.connector");

    @Produces
    @Singleton
    KafkaSettings settings(Config config) {
        return KafkaSettings.of(Settings.of(config));
    }

    @Produces
    @Singleton
    @Identifier("default-kafka-broker")
    Map<String, Object> defaults(Config config, KafkaSettings settings) {
        Map<String, Object> defaults = new HashMap<>();
        for (String property : config.getPropertyNames()) {
            String name = property.toLowerCase(Locale.ROOT).replace('_', '.');
            if (name.startsWith("kafka.") && name.length() > "kafka.".length()) {
                config.getOptionalValue(property, String.class)
                        .ifPresent(value -> defaults.put(name.substring("kafka.".length()), value));
            }
        }
        defaults.putAll(settings.connection());
        return defaults;
    }

    void start(@Observes @Initialized(ApplicationScoped.class) Object started, Config config) {
        requireGuarantees(config);
    }

    /**
     * SmallRye's own default is {@code acks=1}, with which Kafka silently turns idempotence off.
     *
     * @throws IllegalStateException if an outgoing channel does not say otherwise
     */
    static void requireGuarantees(Config config) {
        Set<String> channels = new TreeSet<>();
        for (String property : config.getPropertyNames()) {
            Matcher matcher = OUTGOING.matcher(property);
            if (matcher.matches()
                    && config.getOptionalValue(property, String.class)
                            .filter("smallrye-kafka"::equals)
                            .isPresent()) {
                channels.add(property.substring(0, property.length() - ".connector".length()));
            }
        }
        for (String channel : channels) {
            require(config, channel + ".acks", "all");
            require(config, channel + ".enable.idempotence", "true");
        }
    }

    private static void require(Config config, String property, String value) {
        String given = config.getOptionalValue(property, String.class).orElse("not set");
        if (!given.equals(value)) {
            throw new IllegalStateException(property + " must be " + value + ", it is " + given);
        }
    }
}
