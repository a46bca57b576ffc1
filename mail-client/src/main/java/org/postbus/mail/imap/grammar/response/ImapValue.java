package org.postbus.mail.imap.grammar.response;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/** One value of any shape, before its meaning is known. */
sealed interface ImapValue {

    record Nil() implements ImapValue {}

    /** An atom, a number, a quoted string or a literal. */
    record Text(byte[] octets) implements ImapValue {}

    record Values(List<ImapValue> values) implements ImapValue {
        /** NIL beyond the end: servers stop early. */
        ImapValue get(int index) {
            return index < values.size() ? values.get(index) : new Nil();
        }

        int size() {
            return values.size();
        }
    }

    default Optional<String> text() {
        return this instanceof Text(var octets)
                ? Optional.of(new String(octets, StandardCharsets.ISO_8859_1))
                : Optional.empty();
    }

    default Optional<String> lowerCase() {
        return text().map(text -> text.toLowerCase(Locale.ROOT));
    }

    /** Digits with an optional sign; empty for anything else and for what is negative. */
    default OptionalLong number() {
        Optional<String> digits = text().filter(text -> text.matches("\\+?[0-9]{1,18}"));
        return digits.isPresent() ? OptionalLong.of(Long.parseLong(digits.get())) : OptionalLong.empty();
    }

    default boolean isNumber() {
        return text().filter(text -> text.matches("[+-]?[0-9]{1,18}")).isPresent();
    }

    /** NIL, or the empty list that some servers send in its place. */
    default boolean isNil() {
        return this instanceof Nil || this instanceof Values(var values) && values.isEmpty();
    }
}
