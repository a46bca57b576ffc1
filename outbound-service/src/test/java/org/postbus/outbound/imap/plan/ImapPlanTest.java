package org.postbus.outbound.imap.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.outbound.fixture.Mutations.afterInterruption;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.inTry;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailboxes;
import static org.postbus.outbound.fixture.Mutations.mutation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.imap.plan.ImapPlan.Abilities;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.MailServer.Answer;

/** Mutations in, commands out, written in IMAP syntax. */
class ImapPlanTest {
    private static final Abilities ALL = new Abilities(true, true, false);
    private static final Abilities NO_MOVE = new Abilities(false, true, false);
    private static final Abilities BARE = new Abilities(false, false, false);

    private final Mutations.SampleSnapshot world = new Mutations.SampleSnapshot()
            .imapMailbox(1, "INBOX")
            .imapMailbox(2, "Archive")
            .imapMailbox(3, "Work")
            .link(1, 1, 70, 11)
            .link(2, 1, 70, 12)
            .link(3, 1, 70, 15)
            .link(4, 2, 80, 5)
            // In two mailboxes.
            .link(5, 1, 70, 20)
            .link(5, 3, 90, 3)
            .unlinked(6);

    @Test
    void the_same_keyword_on_many_emails_is_one_command() {
        assertPlan(
                ALL,
                List.of(
                        keywords(1, 1, Map.of("$seen", true)),
                        keywords(2, 2, Map.of("$seen", true)),
                        keywords(3, 3, Map.of("$seen", true))),
                "INBOX/70: +FLAGS (\\Seen) 11,12,15");
    }

    @Test
    void ten_thousand_flag_changes_are_some_tens_of_commands() {
        Mutations.SampleSnapshot crowd = new Mutations.SampleSnapshot().imapMailbox(1, "INBOX");
        List<EmailMutation> mutations = new ArrayList<>();
        for (int i = 1; i <= 10_000; i++) {
            // No two adjacent UIDs, the longest form of a set.
            crowd.link(i, 1, 70, 2 * i);
            mutations.add(keywords(i, i, i % 4 < 2 ? Map.of("$seen", true) : Map.of("$flagged", false)));
        }

        ImapPlan plan = ImapPlan.of(Fold.fold(mutations), crowd.snapshot(), ALL);

        assertThat(plan.work()).singleElement().satisfies(work -> {
            int fetches = UidSet.ofUids(work.uids().keySet()).split(1_000, 400).size();
            int stores = work.actions().stream()
                    .mapToInt(action ->
                            UidSet.ofUids(action.uids()).split(1_000, 400).size())
                    .sum();
            assertThat(1 + fetches + stores).isLessThanOrEqualTo(60);
        });
    }

    @Test
    void groups_are_by_mailbox_direction_and_set_of_flags() {
        assertPlan(
                ALL,
                List.of(
                        keywords(1, 1, Map.of("$seen", true, "x", false)),
                        keywords(2, 2, Map.of("$seen", true, "y", true)),
                        keywords(3, 4, Map.of("$seen", true))),
                "Archive/80: +FLAGS (\\Seen) 5",
                "INBOX/70: +FLAGS (\\Seen) 11; -FLAGS (x) 11; +FLAGS (\\Seen y) 12");
    }

    @Test
    void keywords_go_before_the_move() {
        assertPlan(
                ALL,
                List.of(mutation(1, 1, Map.of("$flagged", true), Map.of(1L, false, 2L, true))),
                "INBOX/70: +FLAGS (\\Flagged) 11; MOVE Archive 11");
    }

    @Test
    void moves_are_grouped_by_source_and_target() {
        assertPlan(
                ALL,
                List.of(
                        mailboxes(1, 1, Map.of(1L, false, 2L, true)),
                        mailboxes(2, 2, Map.of(1L, false, 2L, true)),
                        mailboxes(3, 3, Map.of(1L, false, 3L, true))),
                "INBOX/70: MOVE Archive 11,12; MOVE Work 15");
    }

    @Test
    void without_MOVE_a_message_is_copied_and_its_original_expunged() {
        assertPlan(
                NO_MOVE,
                List.of(mailboxes(1, 1, Map.of(1L, false, 2L, true)), mailboxes(2, 2, Map.of(1L, false, 2L, true))),
                "INBOX/70: COPY Archive 11,12; +DELETED 11,12; EXPUNGE 11,12");
    }

    @Test
    void without_UIDPLUS_nothing_is_expunged() {
        assertPlan(
                BARE,
                List.of(mailboxes(1, 1, Map.of(1L, false, 2L, true)), destroy(2, 2)),
                "INBOX/70: COPY Archive 11; +DELETED 11,12");
    }

    @Test
    void adding_a_mailbox_is_a_copy() {
        assertPlan(ALL, List.of(mailboxes(1, 1, Map.of(2L, true))), "INBOX/70: COPY Archive 11");
    }

    @Test
    void into_two_mailboxes_and_out_of_one_is_a_copy_and_a_move() {
        assertPlan(
                ALL,
                List.of(mailboxes(1, 1, Map.of(1L, false, 2L, true, 3L, true))),
                "INBOX/70: COPY Archive 11; MOVE Work 11");
    }

    @Test
    void removing_one_of_several_mailboxes_expunges_in_that_mailbox_only() {
        assertPlan(
                ALL,
                List.of(mutation(1, 5, Map.of("x", true), Map.of(3L, false))),
                "INBOX/70: +FLAGS (x) 20",
                "Work/90: +DELETED 3; EXPUNGE 3");
    }

    @Test
    void replacing_two_mailboxes_by_a_third_moves_from_one_of_them() {
        assertPlan(
                ALL,
                List.of(mailboxes(1, 5, Map.of(1L, false, 3L, false, 2L, true))),
                "INBOX/70: MOVE Archive 20",
                "Work/90: +DELETED 3; EXPUNGE 3");
    }

    @Test
    void an_email_in_two_mailboxes_gets_its_keywords_in_both() {
        assertPlan(ALL, List.of(keywords(1, 5, Map.of("x", true))), "INBOX/70: +FLAGS (x) 20", "Work/90: +FLAGS (x) 3");
    }

    @Test
    void destroying_expunges_everywhere() {
        assertPlan(
                ALL,
                List.of(destroy(1, 5), destroy(2, 1)),
                "INBOX/70: +DELETED 11,20; EXPUNGE 11,20",
                "Work/90: +DELETED 3; EXPUNGE 3");
    }

    @Test
    void a_state_that_is_as_requested_needs_no_command_but_the_message_must_exist() {
        assertPlan(
                ALL,
                List.of(mailboxes(1, 1, Map.of(1L, true, 3L, false)), keywords(2, 2, Map.of())),
                "INBOX/70: CHECK 11,12");
    }

    @Test
    void a_STORE_has_flags() {
        assertThatThrownBy(() -> new Action.Store(StoreMode.REMOVE, Set.of(), new TreeSet<>(Set.of(11L))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void the_last_mailbox_cannot_be_removed() {
        var plan = plan(ALL, List.of(mailboxes(1, 1, Map.of(1L, false))));

        assertThat(plan.work()).isEmpty();
        assertThat(plan.settled().get(email(1)))
                .isEqualTo(
                        refused("invalidProperties", "an email must be in at least one mailbox; destroy it instead"));
    }

    @Test
    void a_mailbox_that_does_not_exist_is_refused() {
        var plan = plan(ALL, List.of(mailboxes(1, 1, Map.of(9L, true))));

        assertThat(plan.settled().get(email(1)))
                .isInstanceOfSatisfying(
                        Answer.Failed.class,
                        failed -> assertThat(failed.failure())
                                .isInstanceOfSatisfying(
                                        ServerFailure.Rejected.class,
                                        rejected -> assertThat(rejected.code()).isEqualTo("invalidProperties")));
    }

    @Test
    void for_an_email_without_a_row_mutations_are_refused_unless_it_may_have_been_destroyed_before() {
        var plan = plan(
                ALL, List.of(keywords(1, 99, Map.of("x", true)), destroy(2, 98), afterInterruption(destroy(3, 97))));

        Answer gone = refused("notFound", "the email is no longer on the server");
        assertThat(plan.settled()).isEqualTo(Map.of(email(99), gone, email(98), gone, email(97), Answer.DONE));
    }

    @Test
    void an_email_without_a_mailbox_is_waited_for() {
        // In every attempt: after a UIDVALIDITY change the mailbox is read again for minutes.
        for (EmailMutation mutation : List.of(keywords(1, 6, Map.of("x", true)), inTry(4, destroy(1, 6)))) {
            assertThat(plan(ALL, List.of(mutation)).settled().get(email(6)))
                    .isInstanceOfSatisfying(
                            Answer.Failed.class,
                            failed -> assertThat(failed.failure()).isInstanceOf(ServerFailure.CursorLost.class));
        }
    }

    private static Answer refused(String code, String text) {
        return new Answer.Failed(new ServerFailure.Rejected(code, text));
    }

    private ImapPlan plan(Abilities abilities, List<EmailMutation> mutations) {
        return ImapPlan.of(Fold.fold(mutations), world.snapshot(), abilities);
    }

    private void assertPlan(Abilities abilities, List<EmailMutation> mutations, String... expected) {
        var plan = plan(abilities, mutations);
        assertThat(plan.settled()).isEmpty();
        assertThat(plan.work().stream().map(ImapPlanTest::written)).containsExactly(expected);
    }

    private static String written(ImapPlan.MailboxWork work) {
        Set<Long> named = new TreeSet<>();
        work.actions().forEach(action -> named.addAll(action.uids()));
        assertThat(work.uids().keySet()).isEqualTo(named);
        return work.mailbox() + "/" + work.uidValidity() + ": "
                + work.actions().stream().map(ImapPlanTest::written).collect(Collectors.joining("; "));
    }

    private static String written(Action action) {
        String uids = action.uids().stream().map(String::valueOf).collect(Collectors.joining(","));
        return switch (action) {
            case Action.Check(var set) -> "CHECK " + uids;
            case Action.Store(var mode, var flags, var set) ->
                switch (mode) {
                            case ADD -> "+";
                            case REMOVE -> "-";
                        }
                        + "FLAGS ("
                        + flags.stream().map(ImapFlag::name).collect(Collectors.joining(" ")) + ") " + uids;
            case Action.Copy(var target, var set) -> "COPY " + target + " " + uids;
            case Action.Move(var target, var set) -> "MOVE " + target + " " + uids;
            case Action.MarkDeleted(var set) -> "+DELETED " + uids;
            case Action.Expunge(var set) -> "EXPUNGE " + uids;
            case Action.Label label -> throw new AssertionError("only Gmail has labels");
            case Action.MoveAndLabel move -> throw new AssertionError("only Gmail has labels");
            case Action.MoveAndDestroy move -> throw new AssertionError("only Gmail destroys like this");
        };
    }
}
