package org.postbus.gateway.email;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;

class EmailPatchTest {
    private static final MailboxId INBOX = MailboxId.of("01990000-0000-7000-8000-0000000000b1");
    private static final MailboxId ARCHIVE = MailboxId.of("01990000-0000-7000-8000-0000000000b2");

    @Test
    void keywords_and_mailboxes_are_set_by_true_and_removed_by_null() {
        // When
        EmailPatch patch = EmailPatch.of(json("""
                {"keywords": {"$Seen": true, "$flagged": null}, "mailboxIds": {"%s": true, "%s": null}}""".formatted(ARCHIVE, INBOX)));

        // Then
        assertThat(patch.keywords()).isEqualTo(Map.of(Keyword.SEEN, true, Keyword.FLAGGED, false));
        assertThat(patch.mailboxIds()).isEqualTo(Map.of(ARCHIVE, true, INBOX, false));
        assertThat(EventCodec.encodeToString(patch.json())).isEqualTo("""
                        {"keywords":{"$flagged":null,"$seen":true},"mailboxIds":{"%s":null,"%s":true}}""".formatted(INBOX, ARCHIVE));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{}                                          | #",
                "{'subject': 'x'}                            | #/subject",
                "{'keywords': null}                          | #/keywords",
                "{'keywords': ['$seen']}                     | #/keywords",
                "{'keywords': {'$seen': false}}              | #/keywords/$seen",
                "{'keywords': {'$seen': 1}}                  | #/keywords/$seen",
                "{'keywords': {'two words': true}}           | #/keywords/two words",
                "{'keywords': {'': true}}                    | #/keywords/",
                "{'keywords': {'a/b~': 'x'}}                 | #/keywords/a~1b~0",
                "{'mailboxIds': {'inbox': true}}             | #/mailboxIds/inbox",
                "{'mailboxIds': true}                        | #/mailboxIds",
            })
    void an_invalid_property_is_refused_with_a_pointer(String json, String pointer) {
        // When
        List<Violation> violations = violations(json(json.replace('\'', '"')));

        // Then
        assertThat(violations).extracting(Violation::pointer).containsExactly(pointer);
    }

    @Test
    void a_keyword_that_is_named_twice_in_different_case_is_refused() {
        assertThat(violations(json("{\"keywords\": {\"$seen\": true, \"$Seen\": null}}")))
                .extracting(Violation::pointer)
                .containsExactly("#/keywords/$Seen");
    }

    @Test
    void all_violations_are_reported() {
        assertThat(violations(json("{\"size\": 1, \"keywords\": {\"a b\": true, \"c\": 2}}")))
                .extracting(Violation::pointer)
                .containsExactlyInAnyOrder("#/size", "#/keywords/a b", "#/keywords/c");
    }

    @Test
    void too_many_entries_are_refused() {
        // Given
        String entries = IntStream.rangeClosed(0, EmailPatch.ENTRIES_MAX)
                .mapToObj(i -> "\"k" + i + "\": true")
                .collect(Collectors.joining(","));

        // Then
        assertThat(violations(json("{\"keywords\": {" + entries + "}}")))
                .extracting(Violation::pointer)
                .containsExactly("#/keywords");
    }

    @Test
    void a_mailbox_that_the_account_does_not_have_is_refused() {
        // Given
        EmailPatch patch = new EmailPatch(Map.of(), Map.of(ARCHIVE, true));

        // Then
        assertThat(patch.violations(Set.of(INBOX), Set.of(INBOX)))
                .extracting(Violation::pointer)
                .containsExactly("#/mailboxIds/" + ARCHIVE);
    }

    @Test
    void an_email_must_stay_in_a_mailbox() {
        // Given
        EmailPatch patch = new EmailPatch(Map.of(), Map.of(INBOX, false));

        // Then
        assertThat(patch.violations(Set.of(INBOX), Set.of(INBOX)))
                .extracting(Violation::pointer)
                .containsExactly("#/mailboxIds");
        assertThat(patch.violations(Set.of(INBOX), Set.of(INBOX, ARCHIVE))).isEmpty();
    }

    @Test
    void a_patch_of_keywords_needs_no_mailboxes() {
        assertThat(new EmailPatch(Map.of(Keyword.SEEN, true), Map.of()).violations(Set.of(), Set.of()))
                .isEmpty();
    }

    private static List<Violation> violations(JsonNode json) {
        return catchThrowableOfType(ProblemException.class, () -> EmailPatch.of(json))
                .problem()
                .errors()
                .orElseThrow();
    }

    private static JsonNode json(String text) {
        return EventCodec.decode(text, JsonNode.class);
    }
}
