package org.postbus.kit.kafka;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.security.oauthbearer.ClientJwtValidator;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;
import org.apache.kafka.common.security.plain.PlainLoginModule;
import org.apache.kafka.common.security.scram.ScramLoginModule;
import org.postbus.account.Secret;
import org.postbus.kit.settings.Settings;

/**
 * How this process logs in to Kafka.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_KAFKA_SASL_MECHANISM}<td>{@code SCRAM-SHA-512} (default), {@code SCRAM-SHA-256}, {@code PLAIN}, {@code OAUTHBEARER},
 *       or one that {@code _SASL_JAAS_CONFIG} configures
 *   <tr><td>{@code POSTBUS_KAFKA_USERNAME}, {@code POSTBUS_KAFKA_PASSWORD} or {@code _PASSWORD_FILE}<td>for SCRAM and PLAIN
 *   <tr><td>{@code POSTBUS_KAFKA_OAUTH_TOKEN_URL}<td>for OAUTHBEARER: where tokens are requested (RFC 6749 4.4, client credentials); {@code
 *       https}, or {@code http} to this machine
 *   <tr><td>{@code POSTBUS_KAFKA_OAUTH_CLIENT_ID}, {@code POSTBUS_KAFKA_OAUTH_CLIENT_SECRET} or {@code _OAUTH_CLIENT_SECRET_FILE}<td>the login
 *       there
 *   <tr><td>{@code POSTBUS_KAFKA_OAUTH_SCOPE}<td>the scope to ask for; none without it
 *   <tr><td>{@code POSTBUS_KAFKA_OAUTH_TRUSTSTORE}<td>PEM file with the authorities that are trusted there; without it those of the JVM
 *   <tr><td>{@code POSTBUS_KAFKA_SASL_JAAS_CONFIG} or {@code _SASL_JAAS_CONFIG_FILE}<td>instead of all these
 * </table>
 */
final class SaslSettings {
    private static final String PREFIX = "postbus.kafka";

    /** All of them, without the prefix. */
    static final List<String> NAMES = List.of(
            "username",
            "password",
            "password-file",
            "sasl-mechanism",
            "sasl-jaas-config",
            "sasl-jaas-config-file",
            "oauth-token-url",
            "oauth-client-id",
            "oauth-client-secret",
            "oauth-client-secret-file",
            "oauth-scope",
            "oauth-truststore");

    /** A list of URLs, separated by commas. The Kafka client requests tokens from no others. */
    private static final String ALLOWED_TOKEN_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls";

    private SaslSettings() {}

    /** @throws IllegalArgumentException if one is missing; names the environment variable */
    static Map<String, Object> of(Settings settings) {
        String mechanism = settings.find(PREFIX + ".sasl-mechanism").orElse("SCRAM-SHA-512");
        Map<String, Object> sasl = new HashMap<>();
        sasl.put(SaslConfigs.SASL_MECHANISM, mechanism);
        Optional<Secret> jaas = settings.secret(PREFIX + ".sasl-jaas-config");
        if (jaas.isPresent()) {
            sasl.put(SaslConfigs.SASL_JAAS_CONFIG, jaas.get().reveal());
            return sasl;
        }
        switch (mechanism) {
            case "SCRAM-SHA-256", "SCRAM-SHA-512" ->
                sasl.put(SaslConfigs.SASL_JAAS_CONFIG, withPassword(ScramLoginModule.class, settings));
            case "PLAIN" -> sasl.put(SaslConfigs.SASL_JAAS_CONFIG, withPassword(PlainLoginModule.class, settings));
            case "OAUTHBEARER" -> sasl.putAll(oauth(settings));
            default ->
                throw new IllegalArgumentException(Settings.variable(PREFIX + ".sasl-mechanism") + " " + mechanism
                        + " needs " + Settings.variable(PREFIX + ".sasl-jaas-config"));
        }
        return sasl;
    }

    private static String withPassword(Class<?> module, Settings settings) {
        return module.getName() + " required username=" + quoted(settings.require(PREFIX + ".username")) + " password="
                + quoted(required(settings.secret(PREFIX + ".password"), ".password")) + ";";
    }

    private static Map<String, Object> oauth(Settings settings) {
        String url = settings.require(PREFIX + ".oauth-token-url");
        requireSafe(url);
        allow(url);
        Map<String, Object> oauth = new HashMap<>();
        oauth.put(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS, OAuthBearerLoginCallbackHandler.class.getName());
        // The broker verifies the signature. Kafka's default needs a library for that, which it does not bring.
        oauth.put(SaslConfigs.SASL_OAUTHBEARER_JWT_VALIDATOR_CLASS, ClientJwtValidator.class.getName());
        oauth.put(SaslConfigs.SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, url);
        oauth.put(
                SaslConfigs.SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_ID,
                settings.require(PREFIX + ".oauth-client-id"));
        oauth.put(
                SaslConfigs.SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_SECRET,
                required(settings.secret(PREFIX + ".oauth-client-secret"), ".oauth-client-secret"));
        settings.find(PREFIX + ".oauth-scope").ifPresent(scope -> oauth.put(SaslConfigs.SASL_OAUTHBEARER_SCOPE, scope));
        String trusted = settings.file(PREFIX + ".oauth-truststore")
                .map(file -> " ssl.truststore.type=\"PEM\" ssl.truststore.location=" + quoted(file.toString()))
                .orElse("");
        oauth.put(SaslConfigs.SASL_JAAS_CONFIG, OAuthBearerLoginModule.class.getName() + " required" + trusted + ";");
        return oauth;
    }

    /** The client's secret goes there. */
    private static void requireSafe(String url) {
        String variable = Settings.variable(PREFIX + ".oauth-token-url");
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(variable + " is not a URL", e);
        }
        boolean local = "http".equals(uri.getScheme()) && uri.getHost() != null && isLoopback(uri.getHost());
        if (!local && !"https".equals(uri.getScheme())) {
            throw new IllegalArgumentException(variable + " must begin with https://");
        }
    }

    /** Literal addresses and {@code localhost} only: no name is resolved. */
    private static boolean isLoopback(String host) {
        return Set.of("localhost", "127.0.0.1", "[::1]").contains(host);
    }

    private static synchronized void allow(String url) {
        String allowed = System.getProperty(ALLOWED_TOKEN_URLS, "");
        if (!List.of(allowed.split(",")).contains(url)) {
            System.setProperty(ALLOWED_TOKEN_URLS, allowed.isEmpty() ? url : allowed + "," + url);
        }
    }

    private static String required(Optional<Secret> secret, String name) {
        return secret.map(Secret::reveal)
                .orElseThrow(() -> new IllegalArgumentException(
                        Settings.variable(PREFIX + name) + " is not set, nor is its _FILE"));
    }

    private static String quoted(String value) {
        return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
