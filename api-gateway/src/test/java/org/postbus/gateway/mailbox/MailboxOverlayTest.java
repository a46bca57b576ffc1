package org.postbus.gateway.mailbox;

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
    private static final List<Mailbox> SERVER = List.of(
            mailbox(ARCHIVE, "Archive", Optional.empty(), "Archive"),
            mailbox(YEAR, "2026", Optional.of(ARCHIVE), "Archive/2026"));

    @Test
    void without_mutations_the_mailboxes_of_the_server_are_returned() {
        assertThat(MailboxOverlay.apply(SERVER, List.of())).isSameAs(SERVER);
    }

    @Test
    void renaming_a_mailbox_changes_the_paths_of_its_children() {
        assertThat(paths(mutation("mailbox-update", ARCHIVE, "{\"name\":\"Old\"}")))
                .containsExactly("Old", "Old/2026");
    }

    @Test
    void a_mailbox_moves_below_another_and_to_the_top() {
        assertThat(paths(
                        mutation("mailbox-create", NEW, "{\"name\":\"Work\"}"),
                        mutation("mailbox-update", ARCHIVE, "{\"parentId\":\"" + NEW + "\"}"),
                        mutation("mailbox-update", YEAR, "{\"parentId\":null}")))
                .containsExactly("2026", "Work", "Work/Archive");
    }

    @Test
    void a_mailbox_that_the_server_has_already_is_not_created_twice() {
        assertThat(paths(mutation("mailbox-create", YEAR, "{\"name\":\"2026\",\"parentId\":\"" + ARCHIVE + "\"}")))
                .containsExactly("Archive", "Archive/2026");
    }

    @Test
    void a_destroyed_mailbox_is_absent_and_later_mutations_of_it_do_nothing() {
        assertThat(paths(
                        mutation("mailbox-destroy", YEAR, "{}"),
                        mutation("mailbox-update", YEAR, "{\"name\":\"Back\"}")))
                .containsExactly("Archive");
    }

    @Test
    void a_cycle_of_parents_ends() {
        assertThat(paths(mutation("mailbox-update", ARCHIVE, "{\"parentId\":\"" + YEAR + "\"}")))
                .hasSize(2);
    }

    private static List<String> paths(MailboxOverlay.Mutation... mutations) {
        return MailboxOverlay.apply(SERVER, List.of(mutations)).stream()
                .map(Mailbox::path)
                .toList();
    }

    private static MailboxOverlay.Mutation mutation(String kind, MailboxId mailbox, String patch) {
        return new MailboxOverlay.Mutation(kind, mailbox, EventCodec.decode(patch, JsonNode.class));
    }

    private static Mailbox mailbox(MailboxId id, String name, Optional<MailboxId> parentId, String path) {
        return new Mailbox(id, name, parentId, path, Optional.empty(), 0, 5, 1, true);
    }
}
