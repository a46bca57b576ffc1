package org.postbus.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeywordTest {
    @Test
    void keyword_is_stored_in_lower_case() {
        assertThat(new Keyword("$Forwarded")).isEqualTo(new Keyword("$forwarded"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a(b", "a)b", "{", "a]", "50%", "*", "\"", "a\\b", "é", "a\r\nb", "\u0000"})
    void characters_that_imap_flags_cannot_have_are_refused(String value) {
        assertThatThrownBy(() -> new Keyword(value)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void keyword_has_at_most_255_characters() {
        assertThat(Keyword.isValid("k".repeat(255))).isTrue();
        assertThat(Keyword.isValid("k".repeat(256))).isFalse();
    }
}
