package org.postbus.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.outbound.Wishes.destroy;
import static org.postbus.outbound.Wishes.email;
import static org.postbus.outbound.Wishes.keywords;
import static org.postbus.outbound.Wishes.mailbox;
import static org.postbus.outbound.Wishes.mailboxes;
import static org.postbus.outbound.Wishes.mutation;

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

class FoldTest {
    @Test
    void the_last_wish_for_a_keyword_wins() {
        var folded = Fold.fold(List.of(
                keywords(1, 1, Map.of("$seen", true, "a", true)),
                keywords(2, 1, Map.of("$seen", false)),
                keywords(3, 1, Map.of("b", true))));

        assertThat(folded).singleElement().satisfies(fold -> {
            assertThat(fold.change())
                    .isEqualTo(new Wish.Change.Update(
                            Map.of(Keyword.SEEN, false, Keyword.of("a"), true, Keyword.of("b"), true), Map.of()));
            assertThat(fold.wishes()).extracting(Wish::id).containsExactly(mutation(1), mutation(2), mutation(3));
        });
    }

    @Test
    void a_move_there_and_back_still_names_both_mailboxes() {
        var folded = Fold.fold(
                List.of(mailboxes(1, 1, Map.of(1L, false, 2L, true)), mailboxes(2, 1, Map.of(2L, false, 1L, true))));

        assertThat(folded)
                .singleElement()
                .satisfies(fold -> assertThat(fold.change())
                        .isEqualTo(new Wish.Change.Update(Map.of(), Map.of(mailbox(1), true, mailbox(2), false))));
    }

    @Test
    void destroying_swallows_the_rest_and_stands_for_it() {
        var folded = Fold.fold(List.of(keywords(1, 1, Map.of("a", true)), destroy(2, 1)));

        assertThat(folded).singleElement().satisfies(fold -> {
            assertThat(fold.change()).isEqualTo(new Wish.Change.Destroy());
            assertThat(fold.wishes()).hasSize(2);
        });
    }

    @Test
    void emails_keep_the_order_in_which_they_first_occur() {
        var folded = Fold.fold(List.of(
                keywords(1, 9, Map.of("a", true)),
                keywords(2, 3, Map.of("a", true)),
                keywords(3, 9, Map.of("b", true))));

        assertThat(folded).extracting(FoldedWish::emailId).containsExactly(email(9), email(3));
    }

    @Test
    void a_fold_was_tried_before_if_one_of_its_wishes_was() {
        var fresh = keywords(1, 1, Map.of("a", true));
        var again = Wishes.inTry(2, keywords(2, 1, Map.of("b", true)));

        assertThat(Fold.fold(List.of(fresh))).singleElement().matches(fold -> !fold.triedBefore());
        assertThat(Fold.fold(List.of(fresh, again))).singleElement().matches(FoldedWish::triedBefore);
    }

    @Test
    void doing_the_folds_is_doing_the_wishes_one_after_the_other() {
        for (long seed = 0; seed < 2_000; seed++) {
            var random = new Random(seed);
            List<Wish> wishes = new ArrayList<>();
            for (int i = 0; i < random.nextInt(12); i++) {
                wishes.add(randomWish(random, i));
            }
            var oneByOne = new Model();
            wishes.forEach(wish -> oneByOne.apply(wish.emailId(), wish.change()));
            var folded = new Model();

            List<FoldedWish> folds = Fold.fold(wishes);
            folds.forEach(fold -> folded.apply(fold.emailId(), fold.change()));

            assertThat(folded.emails).as("seed %d: %s", seed, wishes).isEqualTo(oneByOne.emails);
            assertThat(folds.stream().flatMap(fold -> fold.wishes().stream()))
                    .as("seed %d: every wish is stood for once", seed)
                    .containsExactlyInAnyOrderElementsOf(wishes);
            assertThat(folds)
                    .as("seed %d", seed)
                    .doesNotHaveDuplicates()
                    .extracting(FoldedWish::emailId)
                    .doesNotHaveDuplicates();
        }
    }

    private static Wish randomWish(Random random, int number) {
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
        return Wishes.wish(number, email, keywords, mailboxes);
    }

    /** Three emails on a server that does what it is told. */
    private static final class Model {
        private record State(Set<Keyword> keywords, Set<MailboxId> mailboxes) {}

        private final Map<EmailId, State> emails = new HashMap<>();

        Model() {
            for (int i = 0; i < 3; i++) {
                emails.put(email(i), new State(new TreeSet<>(Set.of(Keyword.SEEN)), new TreeSet<>(Set.of(mailbox(0)))));
            }
        }

        void apply(EmailId id, Wish.Change change) {
            State state = emails.get(id);
            if (state == null) {
                return;
            }
            switch (change) {
                case Wish.Change.Destroy destroy -> emails.remove(id);
                case Wish.Change.Update(var keywords, var mailboxIds) -> {
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
