package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/**
 * A keyword of an email, in lower case: {@code $seen}, {@code $flagged}, {@code project-x}.
 * 1 to 255 characters of printable ASCII without {@code ( ) { ] % * " \} (RFC 8621 section 4.1.1).
 */
public record Keyword(String value) implements Comparable<Keyword> {
    public static final int LENGTH_MAX = 255;
    private static final String FORBIDDEN = "(){]%*\"\\";

    public static final Keyword SEEN = new Keyword("$seen");
    public static final Keyword FLAGGED = new Keyword("$flagged");
    public static final Keyword ANSWERED = new Keyword("$answered");
    public static final Keyword DRAFT = new Keyword("$draft");

    public Keyword {
        if (!isValid(value)) {
            throw new IllegalArgumentException("not a keyword (RFC 8621 section 4.1.1): " + value);
        }
        value = value.toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static Keyword of(String value) {
        return new Keyword(value);
    }

    public static boolean isValid(String value) {
        if (value == null || value.isEmpty() || value.length() > LENGTH_MAX) {
            return false;
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c <= ' ' || c > '~' || FORBIDDEN.indexOf(c) >= 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int compareTo(Keyword other) {
        return value.compareTo(other.value);
    }

    @JsonValue
    @Override
    public String toString() {
        return value;
    }
}
