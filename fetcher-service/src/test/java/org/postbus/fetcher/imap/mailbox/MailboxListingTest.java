package org.postbus.fetcher.imap.mailbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.fetcher.store.MailboxSnapshot;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

class MailboxListingTest {

    @Test
    void parents_come_before_children_and_shorten_their_names() {
        MailboxListing listing =
                MailboxListing.of(List.of(), List.of(listed("a/b/c", 1, 1), listed("a", 2, 1), listed("a/b", 3, 1)));

        assertThat(listing.changed())
                .extracting(ObservedMailbox::name, ObservedMailbox::parent)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("a", Optional.empty()),
                        org.assertj.core.groups.Tuple.tuple("b", Optional.of(MailboxKey.ofRawName("a"))),
                        org.assertj.core.groups.Tuple.tuple("c", Optional.of(MailboxKey.ofRawName("a/b"))));
    }

    @Test
    void a_parent_that_is_not_listed_stays_in_the_name() {
        MailboxListing listing = MailboxListing.of(List.of(), List.of(listed("a", 1, 1), listed("a/b/c", 2, 1)));

        assertThat(listing.changed().get(1).name()).isEqualTo("b/c");
        assertThat(listing.changed().get(1).parent()).contains(MailboxKey.ofRawName("a"));
    }

    @Test
    void names_are_decoded_for_users_and_kept_raw_for_the_server() {
        MailboxListing listing = MailboxListing.of(List.of(), List.of(listed("Entw&APw-rfe", 1, 1)));

        assertThat(listing.changed().getFirst().name()).isEqualTo("Entwürfe");
        assertThat(listing.changed().getFirst().rawName()).contains("Entw&APw-rfe");
    }

    @Test
    void an_unchanged_mailbox_is_not_published() {
        List<ListedMailbox> answer = List.of(listed("INBOX", 1, 5), listed("Sent", 2, 9));

        MailboxListing listing = MailboxListing.of(knownFrom(answer), answer);

        assertThat(listing.changed()).isEmpty();
        assertThat(listing.vanished()).isEmpty();
        assertThat(listing.listed()).hasSize(2);
    }

    @Test
    void changed_counts_are_published() {
        MailboxListing listing =
                MailboxListing.of(knownFrom(List.of(listed("INBOX", 1, 5, 4))), List.of(listed("INBOX", 1, 5, 3)));

        assertThat(listing.changed()).extracting(ObservedMailbox::totalEmails).containsExactly(3L);
    }

    @Test
    void a_mailbox_that_is_no_longer_listed_has_vanished() {
        MailboxListing listing = MailboxListing.of(
                knownFrom(List.of(listed("INBOX", 1, 5), listed("Old", 2, 9))), List.of(listed("INBOX", 1, 5)));

        assertThat(listing.vanished()).containsExactly(MailboxKey.ofRawName("Old"));
    }

    @Test
    void nothing_vanishes_from_an_empty_list() {
        MailboxListing listing = MailboxListing.of(knownFrom(List.of(listed("INBOX", 1, 5))), List.of());

        assertThat(listing.vanished()).isEmpty();
    }

    @Test
    void the_same_uidvalidity_and_uidnext_under_another_name_is_a_rename() {
        MailboxListing listing = MailboxListing.of(
                knownFrom(List.of(listed("INBOX", 1, 5), listed("Old", 2, 9))),
                List.of(listed("INBOX", 1, 5), listed("New", 2, 9)));

        assertThat(listing.vanished()).isEmpty();
        assertThat(listing.renamed()).containsEntry(MailboxKey.ofRawName("New"), MailboxKey.ofRawName("Old"));
        assertThat(listing.changed())
                .extracting(ObservedMailbox::renamedFrom)
                .containsExactly(Optional.of(MailboxKey.ofRawName("Old")));
    }

    @Test
    void two_candidates_are_no_rename() {
        MailboxListing listing = MailboxListing.of(
                knownFrom(List.of(listed("Old1", 2, 1), listed("Old2", 2, 1))), List.of(listed("New", 2, 1)));

        assertThat(listing.renamed()).isEmpty();
        assertThat(listing.vanished())
                .containsExactlyInAnyOrder(MailboxKey.ofRawName("Old1"), MailboxKey.ofRawName("Old2"));
    }

    @Test
    void a_mailbox_with_an_id_keeps_its_key_when_it_is_renamed() {
        MailboxListing listing =
                MailboxListing.of(knownFrom(List.of(withId("Old", 2, 9, "m1"))), List.of(withId("New", 2, 9, "m1")));

        assertThat(listing.vanished()).isEmpty();
        assertThat(listing.renamed()).isEmpty();
        assertThat(listing.changed())
                .extracting(ObservedMailbox::key, ObservedMailbox::name, ObservedMailbox::renamedFrom)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(MailboxKey.ofId("m1"), "New", Optional.empty()));
    }

    @Test
    void a_status_that_is_refused_once_does_not_make_another_mailbox() {
        ListedMailbox refused = new ListedMailbox(
                new MailboxName("Old"), Optional.of('/'), Set.of(), Optional.empty(), true, true, Optional.empty());

        MailboxListing listing = MailboxListing.of(knownFrom(List.of(withId("Old", 2, 9, "m1"))), List.of(refused));

        assertThat(listing.vanished()).isEmpty();
        assertThat(listing.changed()).isEmpty();
    }

    @Test
    void a_server_that_begins_to_give_ids_renames_its_mailboxes() {
        MailboxListing listing = MailboxListing.of(
                knownFrom(List.of(listed("A", 2, 1), listed("B", 3, 1))),
                List.of(withId("A", 2, 1, "m1"), withId("B", 3, 1, "m2")));

        assertThat(listing.vanished()).isEmpty();
        assertThat(listing.renamed())
                .containsEntry(MailboxKey.ofId("m1"), MailboxKey.ofRawName("A"))
                .containsEntry(MailboxKey.ofId("m2"), MailboxKey.ofRawName("B"));
    }

    private static List<MailboxSnapshot> knownFrom(List<ListedMailbox> answer) {
        return MailboxListing.of(List.of(), answer).listed().stream()
                .map(entry -> new MailboxSnapshot(
                        entry.mailbox(),
                        entry.listed()
                                .status()
                                .map(status -> new Cursor.Imap(
                                        status.uidValidity().getAsLong(),
                                        status.uidNext().getAsLong(),
                                        Optional.empty(),
                                        1)),
                        0,
                        java.util.Map.of()))
                .toList();
    }

    private static ListedMailbox listed(String name, long uidValidity, long uidNext) {
        return listed(name, uidValidity, uidNext, 0);
    }

    private static ListedMailbox listed(String name, long uidValidity, long uidNext, long messages) {
        return listed(name, uidValidity, uidNext, messages, Optional.empty());
    }

    private static ListedMailbox withId(String name, long uidValidity, long uidNext, String id) {
        return listed(name, uidValidity, uidNext, 0, Optional.of(id));
    }

    private static ListedMailbox listed(
            String name, long uidValidity, long uidNext, long messages, Optional<String> id) {
        return new ListedMailbox(
                new MailboxName(name),
                Optional.of('/'),
                Set.of(),
                Optional.empty(),
                true,
                true,
                Optional.of(new MailboxStatus(
                        OptionalLong.of(messages),
                        OptionalLong.of(0),
                        OptionalLong.of(uidNext),
                        OptionalLong.of(uidValidity),
                        OptionalLong.empty(),
                        id)));
    }
}
