package org.postbus.outbound.mutation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailbox;
import static org.postbus.outbound.fixture.Mutations.mailboxes;
import static org.postbus.outbound.fixture.Mutations.mutationId;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.outbound.fixture.Mutations;

class FoldTest {
    @Test
    void the_last_mutation_for_a_keyword_wins() {
        var folded = Fold.fold(List.of(
                keywords(1, 1, Map.of("$seen", true, "a", true)),
                keywords(2, 1, Map.of("$seen", false)),
                keywords(3, 1, Map.of("b", true))));

        assertThat(folded).singleElement().satisfies(fold -> {
            assertThat(fold.change())
                    .isEqualTo(new EmailMutation.Change.Update(
                            Map.of(Keyword.SEEN, false, Keyword.of("a"), true, Keyword.of("b"), true), Map.of()));
            assertThat(fold.mutations())
                    .extracting(EmailMutation::id)
                    .containsExactly(mutationId(1), mutationId(2), mutationId(3));
        });
    }

    @Test
    void a_move_there_and_back_still_names_both_mailboxes() {
        var folded = Fold.fold(
                List.of(mailboxes(1, 1, Map.of(1L, false, 2L, true)), mailboxes(2, 1, Map.of(2L, false, 1L, true))));

        assertThat(folded)
                .singleElement()
                .satisfies(fold -> assertThat(fold.change())
                        .isEqualTo(new EmailMutation.Change.Update(
                                Map.of(), Map.of(mailbox(1), true, mailbox(2), false))));
    }

    @Test
    void a_destroy_replaces_all_other_changes_of_the_email() {
        var folded = Fold.fold(List.of(keywords(1, 1, Map.of("a", true)), destroy(2, 1)));

        assertThat(folded).singleElement().satisfies(fold -> {
            assertThat(fold.change()).isEqualTo(new EmailMutation.Change.Destroy());
            assertThat(fold.mutations()).hasSize(2);
        });
    }

    @Test
    void emails_keep_the_order_in_which_they_first_occur() {
        var folded = Fold.fold(List.of(
                keywords(1, 9, Map.of("a", true)),
                keywords(2, 3, Map.of("a", true)),
                keywords(3, 9, Map.of("b", true))));

        assertThat(folded).extracting(FoldedMutation::emailId).containsExactly(email(9), email(3));
    }

    @Test
    void a_fold_was_tried_before_if_one_of_its_mutations_was() {
        var fresh = keywords(1, 1, Map.of("a", true));
        var again = Mutations.inTry(2, keywords(2, 1, Map.of("b", true)));

        assertThat(Fold.fold(List.of(fresh))).singleElement().matches(fold -> !fold.triedBefore());
        assertThat(Fold.fold(List.of(fresh, again))).singleElement().matches(FoldedMutation::triedBefore);
    }

    @Test
    void applying_the_folds_equals_applying_the_mutations_one_by_one() {
        for (long seed = 0; seed < 2_000; seed++) {
            var random = new Random(seed);
            List<EmailMutation> mutations = new ArrayList<>();
            for (int i = 0; i < random.nextInt(12); i++) {
                mutations.add(randomMutation(random, i));
            }
            var oneByOne = new Model();
            mutations.forEach(mutation -> oneByOne.apply(mutation.emailId(), mutation.change()));
            var folded = new Model();

            List<FoldedMutation> folds = Fold.fold(mutations);
            folds.forEach(fold -> folded.apply(fold.emailId(), fold.change()));

            assertThat(folded.emails).as("seed %d: %s", seed, mutations).isEqualTo(oneByOne.emails);
            assertThat(folds.stream().flatMap(fold -> fold.mutations().stream()))
                    .as("seed %d: every mutation is stood for once", seed)
                    .containsExactlyInAnyOrderElementsOf(mutations);
            assertThat(folds)
                    .as("seed %d", seed)
                    .doesNotHaveDuplicates()
                    .extracting(FoldedMutation::emailId)
                    .doesNotHaveDuplicates();
        }
    }

    private static EmailMutation randomMutation(Random random, int number) {
        int email = random.nextInt(3);
        if (random.nextInt(8) == 0) {
            return destroy(number, email);
        }
        Map<String, Boolean> keywords = new HashMap<>();
        Map<Long, Boolean> mailboxes = new HashMap<>();
        for (String keyword : List.of("$seen", "$flagged", "x")) {
            if (random.nextInt(3) == 0) {
                keywords.put(keyword, random.nextBoolean());
            }
        }
        for (long mailbox = 0; mailbox < 3; mailbox++) {
            if (random.nextInt(3) == 0) {
                mailboxes.put(mailbox, random.nextBoolean());
            }
        }
        return Mutations.mutation(number, email, keywords, mailboxes);
    }

    /** Three emails on a server that applies every change. */
    private static final class Model {
        private record State(Set<Keyword> keywords, Set<MailboxId> mailboxes) {}

        private final Map<EmailId, State> emails = new HashMap<>();

        Model() {
            for (int i = 0; i < 3; i++) {
                emails.put(email(i), new State(new TreeSet<>(Set.of(Keyword.SEEN)), new TreeSet<>(Set.of(mailbox(0)))));
            }
        }

        void apply(EmailId id, EmailMutation.Change change) {
            State state = emails.get(id);
            if (state == null) {
                return;
            }
            switch (change) {
                case EmailMutation.Change.Destroy destroy -> emails.remove(id);
                case EmailMutation.Change.Update(var keywords, var mailboxIds) -> {
                    keywords.forEach((keyword, set) -> {
                        if (set) {
                            state.keywords().add(keyword);
                        } else {
                            state.keywords().remove(keyword);
                        }
                    });
                    mailboxIds.forEach((mailbox, set) -> {
                        if (set) {
                            state.mailboxes().add(mailbox);
                        } else {
                            state.mailboxes().remove(mailbox);
                        }
                    });
                }
            }
        }
    }
}
