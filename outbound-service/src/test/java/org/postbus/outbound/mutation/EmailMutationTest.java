package org.postbus.outbound.mutation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.outbound.fixture.Mutations.mailbox;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.Keyword;

class EmailMutationTest {
    @Test
    void a_merge_patch_adds_with_true_and_removes_with_null() {
        var change =
                EmailMutation.Change.ofPatch(json("{\"keywords\": {\"$Seen\": true, \"x\": null}, \"mailboxIds\": {\""
                        + mailbox(1).value() + "\": null}}"));

        assertThat(change)
                .isEqualTo(new EmailMutation.Change.Update(
                        Map.of(Keyword.SEEN, true, Keyword.of("x"), false), Map.of(mailbox(1), false)));
    }

    @Test
    void an_empty_patch_changes_nothing() {
        assertThat(EmailMutation.Change.ofPatch(json("{}")))
                .isEqualTo(new EmailMutation.Change.Update(Map.of(), Map.of()));
    }

    @Test
    void an_invalid_patch_is_refused_with_the_name_of_the_invalid_part() {
        assertThatThrownBy(() -> EmailMutation.Change.ofPatch(json("{\"keywords\": {\"x\": 1}}")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("keywords/x");
        assertThatThrownBy(() -> EmailMutation.Change.ofPatch(json("{\"keywords\": [\"x\"]}")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("keywords");
        assertThatThrownBy(() -> EmailMutation.Change.ofPatch(json("{\"keywords\": {\"a b\": true}}")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EmailMutation.Change.ofPatch(json("{\"mailboxIds\": {\"INBOX\": true}}")))
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
