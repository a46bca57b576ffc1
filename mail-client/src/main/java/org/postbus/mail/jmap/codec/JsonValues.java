package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.model.Keyword;
import org.postbus.observation.ObservedEmail;

/** Takes values out of JSON; what is missing or of another type is empty. */
final class JsonValues {
    private static final Pattern LONG_YEAR = Pattern.compile("\\d{5,9}-");

    private JsonValues() {}

    static Set<Keyword> keywords(JsonNode json) {
        Set<Keyword> keywords = new LinkedHashSet<>();
        for (String name : trueKeys(json)) {
            if (Keyword.isValid(name)) {
                keywords.add(Keyword.of(name));
            }
        }
        return keywords;
    }

    static Set<String> trueKeys(JsonNode json) {
        Set<String> keys = new LinkedHashSet<>();
        json.fields().forEachRemaining(entry -> {
            if (entry.getValue().asBoolean(false)) {
                keys.add(Text.clean(entry.getKey()));
            }
        });
        return keys;
    }

    static List<String> keysOrStrings(JsonNode json) {
        if (!json.isObject()) {
            return strings(json);
        }
        List<String> keys = new ArrayList<>();
        json.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    static List<String> strings(JsonNode json) {
        if (!json.isArray()) {
            return json.isTextual() ? List.of(Text.clean(json.textValue())) : Collections.emptyList();
        }
        List<String> strings = new ArrayList<>(json.size());
        for (JsonNode value : json) {
            if (value.isTextual()) {
                strings.add(Text.clean(value.textValue()));
            }
        }
        return strings;
    }

    /** A UTCDate; a year of more than four digits is read too, and becomes the nearest that can be stored. */
    static Optional<Instant> instant(String text) {
        try {
            String signed = LONG_YEAR.matcher(text).lookingAt() ? "+" + text : text;
            return text.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            ObservedEmail.storable(OffsetDateTime.parse(signed).toInstant()));
        } catch (DateTimeParseException notADate) {
            return Optional.empty();
        }
    }

    static Optional<String> text(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isTextual() && !value.textValue().isEmpty()
                ? Optional.of(Text.clean(value.textValue()))
                : Optional.empty();
    }

    static String required(JsonNode json, String name) {
        return text(json, name).orElseThrow(() -> brokenAnswer(name));
    }

    static ServerException brokenAnswer(String missing) {
        return new ServerException(new ServerFailure.Unreachable("the server's answer lacks " + missing));
    }

    static Optional<Long> count(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isNumber() ? Optional.of(Math.max(0, value.asLong())) : Optional.empty();
    }
}
