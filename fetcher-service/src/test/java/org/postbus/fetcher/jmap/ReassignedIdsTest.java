package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;

class ReassignedIdsTest {
    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00.25Z");

    private static EmailMarks email(String id, String blob, String messageId, long size, Instant receivedAt) {
        return new EmailMarks(
                id, Optional.ofNullable(blob), Optional.ofNullable(messageId), size, Optional.ofNullable(receivedAt));
    }

    private static Map<String, String> newIds(List<EmailMarks> destroyed, List<EmailMarks> created) {
        ReassignedIds ids = new ReassignedIds();
        ids.destroyed(destroyed);
        ids.created(created);
        return ids.newIds();
    }

    @Test
    void the_blob_is_decisive() {
        assertThat(newIds(
                        List.of(email("a", "b1", "m", 5, NOON), email("b", "b2", "m", 5, NOON)),
                        List.of(email("c", "b2", "other", 6, null), email("d", "b1", null, 7, NOON))))
                .isEqualTo(Map.of("b", "c", "a", "d"));
    }

    @Test
    void where_blobs_differ_message_id_size_and_second_decide() {
        Instant wholeSecond = Instant.parse("2026-11-23T12:00:00Z");
        assertThat(newIds(
                        List.of(email("a", "b1", "m1", 5, NOON), email("b", null, "m2", 5, NOON)),
                        List.of(email("c", "x1", "m1", 5, wholeSecond), email("d", "x2", "m2", 5, NOON))))
                .isEqualTo(Map.of("a", "c", "b", "d"));
    }

    @Test
    void an_email_that_differs_in_any_of_these_or_has_no_message_id_is_another() {
        assertThat(newIds(
                        List.of(
                                email("a", "b1", "m1", 5, NOON),
                                email("b", "b2", null, 5, NOON),
                                email("e", "b3", "m3", 5, NOON)),
                        List.of(
                                email("c", "x1", "m1", 6, NOON),
                                email("d", "x2", null, 5, NOON),
                                email("f", "x3", "m3", 5, NOON.plusSeconds(1)))))
                .isEmpty();
    }

    @Test
    void copies_are_not_confused_unless_only_one_is_left() {
        EmailMarks one = email("a", "b1", "m", 5, NOON);
        EmailMarks two = email("b", "b2", "m", 5, NOON);
        EmailMarks again = email("c", "x1", "m", 5, NOON);

        assertThat(newIds(List.of(one, two), List.of(again))).isEmpty();
        assertThat(newIds(List.of(one), List.of(again, email("d", "x2", "m", 5, NOON))))
                .isEmpty();
        assertThat(newIds(List.of(one, two), List.of(again, email("d", "b1", "m", 5, NOON))))
                .isEqualTo(Map.of("a", "d", "b", "c"));
    }
}
