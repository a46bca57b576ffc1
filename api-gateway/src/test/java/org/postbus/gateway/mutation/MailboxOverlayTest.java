package org.postbus.gateway.mutation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;

class MailboxOverlayTest {
    private static final MailboxId ARCHIVE = MailboxId.of("01990000-0000-7000-8000-0000000000b1");
    private static final MailboxId YEAR = MailboxId.of("01990000-0000-7000-8000-0000000000b2");
    private static final MailboxId NEW = MailboxId.of("01990000-0000-7000-8000-0000000000b3");
    private static final List<Mailbox> TOLD = List.of(
            mailbox(ARCHIVE, "Archive", Optional.empty(), "Archive"),
            mailbox(YEAR, "2026", Optional.of(ARCHIVE), "Archive/2026"));

    @Test
    void without_wishes_it_is_what_the_server_told() {
        assertThat(MailboxOverlay.lay(TOLD, List.of())).isSameAs(TOLD);
    }

    @Test
    void a_renamed_mailbox_takes_those_below_along() {
        assertThat(paths(wish("mailbox-update", ARCHIVE, "{\"name\":\"Old\"}"))).containsExactly("Old", "Old/2026");
    }

    @Test
    void a_mailbox_moves_below_another_and_to_the_top() {
        assertThat(paths(
                        wish("mailbox-create", NEW, "{\"name\":\"Work\"}"),
                        wish("mailbox-update", ARCHIVE, "{\"parentId\":\"" + NEW + "\"}"),
                        wish("mailbox-update", YEAR, "{\"parentId\":null}")))
                .containsExactly("2026", "Work", "Work/Archive");
    }

    @Test
    void what_the_server_has_told_of_already_is_not_made_twice() {
        assertThat(paths(wish("mailbox-create", YEAR, "{\"name\":\"2026\",\"parentId\":\"" + ARCHIVE + "\"}")))
                .containsExactly("Archive", "Archive/2026");
    }

    @Test
    void a_destroyed_mailbox_is_gone_and_wishes_for_it_do_nothing() {
        assertThat(paths(wish("mailbox-destroy", YEAR, "{}"), wish("mailbox-update", YEAR, "{\"name\":\"Back\"}")))
                .containsExactly("Archive");
    }

    @Test
    void a_ring_of_parents_ends() {
        assertThat(paths(wish("mailbox-update", ARCHIVE, "{\"parentId\":\"" + YEAR + "\"}")))
                .hasSize(2);
    }

    private static List<String> paths(MailboxOverlay.Wish... wishes) {
        return MailboxOverlay.lay(TOLD, List.of(wishes)).stream()
                .map(Mailbox::path)
                .toList();
    }

    private static MailboxOverlay.Wish wish(String kind, MailboxId mailbox, String patch) {
        return new MailboxOverlay.Wish(kind, mailbox, EventCodec.decode(patch, JsonNode.class));
    }

    private static Mailbox mailbox(MailboxId id, String name, Optional<MailboxId> parentId, String path) {
        return new Mailbox(id, name, parentId, path, Optional.empty(), 0, 5, 1, true);
    }
}
