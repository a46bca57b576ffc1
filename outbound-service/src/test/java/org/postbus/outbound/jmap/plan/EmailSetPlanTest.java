package org.postbus.outbound.jmap.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.outbound.fixture.Mutations.afterInterruption;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailboxes;
import static org.postbus.outbound.fixture.Mutations.mutation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.model.Keyword;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.MailServer.Answer;

class EmailSetPlanTest {
    private final Mutations.SampleSnapshot world = new Mutations.SampleSnapshot()
            .jmapMailbox(1, "mb/inbox")
            .jmapMailbox(2, "mb-archive")
            .jmapEmail(1, "e1")
            .jmapEmail(2, "e2")
            .jmapEmail(3, "e3");

    @Test
    void one_call_carries_patches_and_destroys_and_no_ifInState() {
        var patch = patch(
                List.of(
                        mutation(1, 1, Map.of("$seen", true, "x", false), Map.of(1L, false, 2L, true)),
                        destroy(2, 2),
                        keywords(3, 3, Map.of("$flagged", true))),
                500);

        assertThat(patch.calls())
                .containsExactly(new EmailSet(
                        Map.of(
                                "e1",
                                new EmailPatch(
                                        Map.of(Keyword.SEEN, true, Keyword.of("x"), false),
                                        Map.of("mb/inbox", false, "mb-archive", true)),
                                "e3",
                                new EmailPatch(Map.of(Keyword.FLAGGED, true), Map.of())),
                        List.of("e2"),
                        Optional.empty()));
        assertThat(patch.emails()).isEqualTo(Map.of("e1", email(1), "e2", email(2), "e3", email(3)));
        assertThat(patch.settled()).isEmpty();
    }

    @Test
    void no_call_has_more_objects_than_the_server_accepts() {
        List<EmailMutation> mutations = new ArrayList<>();
        for (int i = 1; i <= 25; i++) {
            world.jmapEmail(i, "e" + i);
            mutations.add(i % 5 == 0 ? destroy(i, i) : keywords(i, i, Map.of("x", true)));
        }

        var calls = patch(mutations, 10).calls();

        assertThat(calls)
                .extracting(call -> call.update().size() + call.destroy().size())
                .containsExactly(10, 10, 5);
        assertThat(calls.stream().mapToInt(call -> call.destroy().size()).sum()).isEqualTo(5);
    }

    @Test
    void halving_loses_nothing() {
        List<EmailMutation> mutations = new ArrayList<>();
        for (int i = 1; i <= 9; i++) {
            world.jmapEmail(i, "e" + i);
            mutations.add(i % 3 == 0 ? destroy(i, i) : keywords(i, i, Map.of("x", true)));
        }
        var whole = patch(mutations, 500).calls().getFirst();

        var halves = EmailSetPlan.halves(whole);

        assertThat(halves)
                .extracting(half -> half.update().size() + half.destroy().size())
                .containsExactly(4, 5);
        var updated = new java.util.HashMap<String, EmailPatch>();
        halves.forEach(half -> updated.putAll(half.update()));
        assertThat(updated).isEqualTo(whole.update());
        assertThat(halves.stream().flatMap(half -> half.destroy().stream())).containsExactlyElementsOf(whole.destroy());
    }

    @Test
    void for_an_email_without_a_row_mutations_are_refused_unless_it_may_have_been_destroyed_before() {
        var patch = patch(
                List.of(
                        keywords(1, 98, Map.of("x", true)),
                        destroy(2, 99),
                        afterInterruption(destroy(4, 97)),
                        mailboxes(3, 1, Map.of(7L, true))),
                500);

        assertThat(patch.calls()).isEmpty();
        assertThat(patch.settled().get(email(98)))
                .isEqualTo(new Answer.Failed(
                        new ServerFailure.Rejected("notFound", "the email is no longer on the server")));
        assertThat(patch.settled().get(email(99))).isEqualTo(patch.settled().get(email(98)));
        assertThat(patch.settled().get(email(97))).isEqualTo(Answer.DONE);
        assertThat(patch.settled().get(email(1))).isInstanceOf(Answer.Failed.class);
    }

    @Test
    void removing_a_mailbox_that_is_gone_needs_no_call() {
        var patch = patch(List.of(mailboxes(1, 1, Map.of(7L, false))), 500);

        assertThat(patch.calls()).isEmpty();
        assertThat(patch.settled()).isEqualTo(Map.of(email(1), Answer.DONE));
    }

    private EmailSetPlan patch(List<EmailMutation> mutations, int objectsMax) {
        return EmailSetPlan.of(Fold.fold(mutations), world.snapshot(), objectsMax);
    }
}
