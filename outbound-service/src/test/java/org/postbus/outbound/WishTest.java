package org.postbus.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.outbound.Wishes.mailbox;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.Keyword;

class WishTest {
    @Test
    void a_merge_patch_sets_with_true_and_takes_away_with_null() {
        var change = Wish.Change.ofPatch(json("{\"keywords\": {\"$Seen\": true, \"x\": null}, \"mailboxIds\": {\""
                + mailbox(1).value() + "\": null}}"));

        assertThat(change)
                .isEqualTo(new Wish.Change.Update(
                        Map.of(Keyword.SEEN, true, Keyword.of("x"), false), Map.of(mailbox(1), false)));
    }

    @Test
    void an_empty_patch_wishes_nothing() {
        assertThat(Wish.Change.ofPatch(json("{}"))).isEqualTo(new Wish.Change.Update(Map.of(), Map.of()));
    }

    @Test
    void what_is_no_patch_is_told_by_the_part_that_is_wrong() {
        assertThatThrownBy(() -> Wish.Change.ofPatch(json("{\"keywords\": {\"x\": 1}}")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("keywords/x");
        assertThatThrownBy(() -> Wish.Change.ofPatch(json("{\"keywords\": [\"x\"]}")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("keywords");
        assertThatThrownBy(() -> Wish.Change.ofPatch(json("{\"keywords\": {\"a b\": true}}")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Wish.Change.ofPatch(json("{\"mailboxIds\": {\"INBOX\": true}}")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static JsonNode json(String text) {
        try {
            return EventCodec.mapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
