package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.model.EmailHeaders;
import org.postbus.observation.EmailRef;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

class ThreadsTest {
    private TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void replies_belong_to_one_thread_and_each_email_without_ids_to_its_own() {
        alice.apply(Observations.mailbox(INBOX), email(1, "a", "Lunch"), email(2, "b", "Re: Lunch", "a"));
        alice.apply(email(3, "c", "AW: Lunch", "z", "b"), email(4, "z", "lunch"), email(5, "", ""), email(6, "", ""));

        assertThat(partition()).containsExactlyInAnyOrder(Set.of(1L, 2L, 3L, 4L), Set.of(5L), Set.of(6L));
    }

    @Test
    void an_email_with_another_subject_starts_a_thread_even_if_it_is_a_reply() {
        alice.apply(
                Observations.mailbox(INBOX),
                email(1, "a", "Lunch"),
                email(2, "b", "Dinner", "a"),
                email(3, "c", "Re: Lunch", "a"),
                email(4, "d", "Re: Dinner", "b", "a"));

        assertThat(partition()).containsExactlyInAnyOrder(Set.of(1L, 3L), Set.of(2L, 4L));
    }

    @Test
    void an_email_that_connects_two_threads_joins_them_into_the_older_one_and_the_join_is_emitted() {
        alice.apply(
                Observations.mailbox(INBOX),
                email(1, "a", "Lunch"),
                email(2, "b", "Lunch"),
                email(3, "c", "Lunch", "b"));
        String older = threadOf(1);
        long before = alice.lastSeq();

        alice.apply(email(4, "d", "Re: Lunch", "a", "c"));

        assertThat(alice.changesAfter(before))
                .extracting(event -> event.change().getClass().getSimpleName())
                .containsExactlyInAnyOrder("EmailCreated", "EmailUpdated", "EmailUpdated");
        assertThat(alice.changesAfter(before).stream()
                        .map(event -> event.change())
                        .filter(EmailUpdated.class::isInstance)
                        .map(change -> ((EmailUpdated) change)))
                .allSatisfy(updated -> {
                    assertThat(updated.threadId().orElseThrow().newValue()).isEqualTo(older);
                    assertThat(updated.keywords()).isEmpty();
                    assertThat(updated.mailboxIds()).isEmpty();
                });
        assertThat(alice.changesAfter(before).stream()
                        .map(event -> event.change())
                        .filter(EmailCreated.class::isInstance)
                        .map(change -> ((EmailCreated) change).email().threadId()))
                .containsExactly(older);
        // References of the younger thread lead to the older one from now on.
        alice.apply(email(5, "e", "Lunch", "b"));
        assertThat(partition()).containsExactly(Set.of(1L, 2L, 3L, 4L, 5L));
    }

    @Test
    void an_email_in_no_mailbox_joins_the_thread_too() {
        alice.apply(Observations.mailbox(INBOX), email(1, "a", "Lunch"), email(2, "b", "Lunch"));
        alice.apply(Observations.vanished(INBOX, 2, 2));

        alice.apply(email(4, "d", "Re: Lunch", "a", "b"));
        alice.apply(email(7, "b", "Lunch"));

        assertThat(partition()).containsExactly(Set.of(1L, 4L, 7L));
    }

    /** Threads are the connected components of the graph of (message id, base subject), in any order of arrival. */
    @Test
    void any_order_of_arrival_gives_the_same_threads() {
        for (long seed = 1; seed <= 6; seed++) {
            Random random = new Random(seed);
            List<EmailObserved> emails = new ArrayList<>();
            for (int i = 1; i <= 60; i++) {
                Set<String> references = new TreeSet<>();
                for (int count = random.nextInt(4); count > 0; count--) {
                    references.add("m" + random.nextInt(70));
                }
                String subject = (random.nextBoolean() ? "Re: " : "") + "S" + random.nextInt(3);
                String id = random.nextInt(10) == 0 ? "" : "m" + (random.nextInt(15) == 0 ? random.nextInt(60) : i);
                emails.add(email(i, id, subject, references.toArray(String[]::new)));
            }
            Set<Set<Long>> expected = parts(emails);
            for (int order = 0; order < 4; order++) {
                alice = TestAccount.create();
                alice.apply(Observations.mailbox(INBOX));
                List<EmailObserved> rest = new ArrayList<>(emails);
                Collections.shuffle(rest, random);
                while (!rest.isEmpty()) {
                    List<EmailObserved> batch =
                            rest.subList(0, Math.min(rest.size(), 1 + random.nextInt(order == 0 ? 1 : 20)));
                    alice.apply(List.<Observation>copyOf(batch));
                    batch.clear();
                }
                assertThat(Set.copyOf(partition()))
                        .as("seed %d, order %d", seed, order)
                        .isEqualTo(expected);
                the_change_log_folds_to_the_tables();
            }
        }
    }

    private static Set<Set<Long>> parts(List<EmailObserved> emails) {
        Map<Long, Set<Long>> partOf = new HashMap<>();
        Map<String, Long> firstOf = new HashMap<>();
        for (EmailObserved email : emails) {
            long uid = ((EmailRef.ImapMessage) email.ref()).uid();
            partOf.put(uid, new HashSet<>(Set.of(uid)));
            EmailHeaders headers = email.email().headers();
            List<String> ids = new ArrayList<>(headers.messageId());
            ids.addAll(headers.references());
            for (String id : ids) {
                String node = id + " " + headers.subject().orElseThrow().replace("Re: ", "");
                Long other = firstOf.putIfAbsent(node, uid);
                if (other != null && partOf.get(other) != partOf.get(uid)) {
                    Set<Long> both = partOf.get(other);
                    both.addAll(partOf.get(uid));
                    both.forEach(each -> partOf.put(each, both));
                }
            }
        }
        return new HashSet<>(partOf.values());
    }

    private static EmailObserved email(long uid, String messageId, String subject, String... references) {
        ObservedEmail plain = Observations.email(messageId, Optional.empty(), List.of(references));
        EmailHeaders headers = plain.headers();
        return Observations.imap(
                INBOX,
                1,
                uid,
                new ObservedEmail(
                        plain.identity(),
                        plain.serverThread(),
                        plain.blobId(),
                        plain.headerHash(),
                        new EmailHeaders(
                                headers.messageId(),
                                headers.inReplyTo(),
                                headers.references(),
                                headers.sender(),
                                headers.from(),
                                headers.to(),
                                headers.cc(),
                                headers.bcc(),
                                headers.replyTo(),
                                Optional.of(subject),
                                headers.sentAt()),
                        plain.receivedAt(),
                        plain.size(),
                        plain.hasAttachment(),
                        plain.preview(),
                        plain.body()));
    }

    private String threadOf(long uid) {
        return alice.text(
                "select e.thread_id from email e join email_mailbox l using (account_id, email_id) where account_id = ? and l.uid = "
                        + uid);
    }

    /** The UIDs of each thread's emails. */
    private List<Set<Long>> partition() {
        Map<String, Set<Long>> threads = new HashMap<>();
        alice.query(
                "select e.thread_id, l.uid from email e join email_mailbox l using (account_id, email_id) where account_id = ?",
                row -> threads.computeIfAbsent(row.getString(1), thread -> new TreeSet<>())
                        .add(row.getLong(2)));
        return List.copyOf(threads.values());
    }
}
