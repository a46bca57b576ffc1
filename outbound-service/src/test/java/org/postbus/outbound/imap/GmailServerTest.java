package org.postbus.outbound.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.heldClaim;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailbox;
import static org.postbus.outbound.fixture.Mutations.mailboxes;
import static org.postbus.outbound.fixture.Mutations.mutation;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.fake.FakeGmail;
import org.postbus.mail.imap.fake.GmailContainer;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.MailboxKey;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailServer.Answers;
import org.postbus.outbound.mutation.ServerSnapshot;

/** Mutations on Gmail: labels, moves to the Trash and to Spam and back, and destroyed emails are gone. */
class GmailServerTest {
    private static final String INBOX = "INBOX";
    private static final String WORK = "Work";
    private static final String BOOKS = "B&APw-cher \"x\" (y)";
    private static final Map<Long, String> NAMES = new TreeMap<>(Map.of(
            1L,
            INBOX,
            2L,
            FakeGmail.ALL_MAIL,
            3L,
            FakeGmail.TRASH,
            4L,
            FakeGmail.SPAM,
            5L,
            WORK,
            6L,
            BOOKS,
            7L,
            "[Gmail]/Wichtig"));
    private static final Map<Long, MailboxRole> ROLES = Map.of(
            1L,
            MailboxRole.INBOX,
            2L,
            MailboxRole.ALL,
            3L,
            MailboxRole.TRASH,
            4L,
            MailboxRole.JUNK,
            7L,
            MailboxRole.IMPORTANT);

    private static Vertx vertx;
    private static ImapClient client;

    private final FakeGmail gmail = new FakeGmail();
    private final Map<Long, Long> gmailIds = new LinkedHashMap<>();
    private ImapMailServer server;

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        client = new ImapClient(
                TestEgress.toThisMachine(vertx), ImapOptions.DEFAULT.withSilenceMax(Duration.ofSeconds(20)));
    }

    @AfterAll
    static void stop() {
        client.close().await().indefinitely();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @BeforeEach
    void connect() {
        gmail.createLabel(WORK);
        gmail.createLabel(BOOKS);
        server = ImapMailServer.open(
                client,
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", gmail.port(), TlsMode.NONE), Optional.empty()),
                new Credential.Password(new Secret("secret")));
    }

    @AfterEach
    void disconnect() throws IOException {
        server.close();
        gmail.close();
    }

    @Test
    void mailboxes_are_labels_of_all_mail_and_one_command_serves_many_emails() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox");
        mail(2, GmailContainer.ALL_MAIL, "\\Inbox");
        mail(3, GmailContainer.ALL_MAIL, WORK);
        gmail.heard();

        Answers answers = apply(
                mailboxes(1, 1, Map.of(1L, false)),
                mailboxes(2, 2, Map.of(1L, false)),
                mailboxes(3, 3, Map.of(5L, false, 6L, true, 7L, true)));

        assertDone(answers, 1, 2, 3);
        assertThat(gmail.mailboxesOf(gmailIds.get(1L))).containsExactly(FakeGmail.ALL_MAIL);
        assertThat(gmail.mailboxesOf(gmailIds.get(3L)))
                .containsExactlyInAnyOrder(BOOKS, FakeGmail.ALL_MAIL, "[Gmail]/Wichtig");
        assertThat(gmail.heard())
                .containsExactly(
                        "SELECT \"[Gmail]/Alle Nachrichten\" (CONDSTORE)",
                        "UID FETCH 1:3 (UID FLAGS MODSEQ)",
                        "UID STORE 1:2 -X-GM-LABELS (\\Inbox)",
                        "UID STORE 3 +X-GM-LABELS (\"B&APw-cher \\\"x\\\" (y)\")",
                        "UID STORE 3 +X-GM-LABELS (\\Important)",
                        "UID STORE 3 -X-GM-LABELS (Work)");
    }

    @Test
    void keywords_are_stored_in_the_base_mailbox() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox", WORK);
        mail(2, GmailContainer.TRASH);

        assertDone(apply(keywords(1, 1, Map.of("$seen", true)), keywords(2, 2, Map.of("$flagged", true))), 1, 2);

        assertThat(gmail.flagsOf(gmailIds.get(1L))).containsExactly("\\Seen");
        assertThat(gmail.flagsOf(gmailIds.get(2L))).containsExactly("\\Flagged");
    }

    @Test
    void an_email_is_moved_to_trash_and_spam_and_back_to_any_mailboxes() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox", WORK);
        mail(2, GmailContainer.ALL_MAIL);
        mail(3, GmailContainer.TRASH);
        mail(4, GmailContainer.SPAM);
        mail(5, GmailContainer.TRASH);

        assertDone(
                apply(
                        mailboxes(1, 1, Map.of(1L, false, 5L, false, 2L, false, 3L, true)),
                        mailboxes(2, 2, Map.of(4L, true)),
                        mailboxes(3, 3, Map.of(3L, false, 2L, true)),
                        mailboxes(4, 4, Map.of(4L, false, 1L, true, 6L, true, 7L, true)),
                        mailboxes(5, 5, Map.of(3L, false, 4L, true))),
                1,
                2,
                3,
                4,
                5);

        assertThat(gmail.mailboxesOf(gmailIds.get(1L))).containsExactly(FakeGmail.TRASH);
        assertThat(gmail.mailboxesOf(gmailIds.get(2L))).containsExactly(FakeGmail.SPAM);
        assertThat(gmail.mailboxesOf(gmailIds.get(3L))).containsExactly(FakeGmail.ALL_MAIL);
        assertThat(gmail.mailboxesOf(gmailIds.get(4L)))
                .containsExactlyInAnyOrder(INBOX, BOOKS, FakeGmail.ALL_MAIL, "[Gmail]/Wichtig");
        assertThat(gmail.mailboxesOf(gmailIds.get(5L))).containsExactly(FakeGmail.SPAM);
    }

    @Test
    void a_destroyed_email_is_gone_from_all_mailboxes_and_no_other_email_is() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox", WORK);
        mail(2, GmailContainer.ALL_MAIL);
        mail(3, GmailContainer.TRASH);
        mail(4, GmailContainer.SPAM);
        mail(5, GmailContainer.TRASH);
        // Marked as deleted by another client.
        gmail.flag(gmailIds.get(5L), "\\Deleted", true);

        assertDone(apply(destroy(1, 1), destroy(2, 2), destroy(3, 3), destroy(4, 4)), 1, 2, 3, 4);

        assertThat(gmail.ids()).containsExactly(gmailIds.get(5L));
    }

    @Test
    void what_gmail_cannot_do_is_refused_with_an_explanation() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox");
        mail(2, GmailContainer.TRASH);

        assertRefused(mailboxes(1, 1, Map.of(2L, false, 1L, false)), "every email is in All Mail");
        assertRefused(mailboxes(1, 1, Map.of(3L, true, 5L, true)), "in no other mailbox");
        assertRefused(mailboxes(1, 1, Map.of(3L, true, 4L, true)), "in no other mailbox");
        assertRefused(mailboxes(1, 2, Map.of(3L, false)), "must be in at least one mailbox");
        gmail.showInImap(FakeGmail.TRASH, false);
        assertRefused(destroy(1, 1), "Show in IMAP");
        assertThat(gmail.mailboxesOf(gmailIds.get(1L))).containsExactly(INBOX, FakeGmail.ALL_MAIL);
    }

    @Test
    void an_email_that_was_moved_concurrently_is_tried_on_fresh_state() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox");
        ServerSnapshot stale = snapshot();
        gmail.move(gmailIds.get(1L), GmailContainer.TRASH);

        Answers answers = server.apply(Fold.fold(List.of(destroy(1, 1))), stale, heldClaim());

        assertThat(answers.byEmail().get(email(1))).isEqualTo(Answer.MISSING);
        assertThat(gmail.ids()).hasSize(1);
        assertDone(apply(destroy(1, 1)), 1);
        assertThat(gmail.ids()).isEmpty();
    }

    @Test
    void with_all_mail_hidden_mailboxes_are_added_and_removed_by_copies_and_the_trash_destroys() {
        mail(1, GmailContainer.ALL_MAIL, "\\Inbox", WORK);
        mail(2, GmailContainer.ALL_MAIL, "\\Inbox", WORK);
        gmail.showInImap(FakeGmail.ALL_MAIL, false);

        assertDone(apply(mailboxes(1, 1, Map.of(1L, false, 6L, true)), destroy(2, 2)), 1, 2);

        assertThat(gmail.mailboxesOf(gmailIds.get(1L))).containsExactlyInAnyOrder(BOOKS, WORK);
        assertThat(gmail.ids()).containsExactly(gmailIds.get(1L));
    }

    @Test
    void random_mutations_that_are_answered_done_hold_afterwards() {
        long seed = 20261123;
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            int emails = 1 + random.nextInt(6);
            for (long number = 1; number <= emails; number++) {
                GmailContainer container = GmailContainer.values()[random.nextInt(3)];
                mail(round * 100L + number, container, random.nextBoolean() ? "\\Inbox" : WORK);
            }
            List<EmailMutation> mutations = new ArrayList<>();
            for (long number = 1; number <= emails; number++) {
                mutations.add(randomMutation(random, number, round * 100L + number));
            }
            Answers answers = apply(mutations.toArray(EmailMutation[]::new));
            assertThat(answers.lost()).isEmpty();
            for (EmailMutation mutation : mutations) {
                if (answers.byEmail().get(mutation.emailId()).equals(Answer.DONE)) {
                    assertHolds("seed " + seed + ", round " + round, mutation);
                }
            }
        }
    }

    private EmailMutation randomMutation(Random random, long mutation, long number) {
        if (random.nextInt(5) == 0) {
            return destroy(mutation, number);
        }
        Map<Long, Boolean> patch = new HashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            long target = 1 + random.nextInt(7);
            patch.put(target, target == 2 || random.nextBoolean());
        }
        return mutation(mutation, number, Map.of("$seen", random.nextBoolean()), patch);
    }

    private void assertHolds(String when, EmailMutation mutation) {
        long number = gmailIds.keySet().stream()
                .filter(each -> email(each).equals(mutation.emailId()))
                .findFirst()
                .orElseThrow();
        long id = gmailIds.get(number);
        switch (mutation.change()) {
            case EmailMutation.Change.Destroy destroy ->
                assertThat(gmail.has(id)).as(when).isFalse();
            case EmailMutation.Change.Update(var keywords, var wanted) -> {
                List<String> in = gmail.mailboxesOf(id);
                boolean away = in.contains(FakeGmail.TRASH) || in.contains(FakeGmail.SPAM);
                wanted.forEach((mailbox, set) -> NAMES.forEach((key, name) -> {
                    // An email in the Trash or Spam is not in All Mail.
                    boolean goesWithout = away && name.equals(FakeGmail.ALL_MAIL);
                    if (mailbox(key).equals(mailbox) && !goesWithout) {
                        assertThat(in.contains(name))
                                .as(when + ": " + mutation + " " + in)
                                .isEqualTo(set);
                    }
                }));
                keywords.forEach((keyword, set) -> assertThat(
                                FakeGmail.keywords(gmail.flagsOf(id)).contains(keyword.value()))
                        .as(when)
                        .isEqualTo(set));
            }
        }
    }

    // ---- helpers

    private void mail(long number, GmailContainer container, String... labels) {
        gmailIds.put(number, gmail.deliver(container, "m" + number + "@x", labels));
    }

    /** The snapshot as the fetcher and the writer would have stored it. */
    private ServerSnapshot snapshot() {
        Map<MailboxId, ServerSnapshot.MailboxSnapshot> found = new HashMap<>();
        Map<String, Map<String, java.util.Set<String>>> shown = gmail.content();
        NAMES.forEach((number, name) -> {
            if (shown.containsKey(name)) {
                found.put(
                        mailbox(number),
                        new ServerSnapshot.MailboxSnapshot(
                                MailboxKey.ofRawName(name),
                                Optional.of(name),
                                name,
                                Optional.ofNullable(ROLES.get(number)),
                                true));
            }
        });
        boolean labels = shown.containsKey(FakeGmail.ALL_MAIL);
        Map<EmailId, ServerSnapshot.EmailSnapshot> emails = new HashMap<>();
        gmailIds.forEach((number, id) -> {
            if (!gmail.has(id)) {
                return;
            }
            List<ServerSnapshot.Location> links = new ArrayList<>();
            for (Map.Entry<Long, String> each : NAMES.entrySet()) {
                String name = each.getValue();
                if (gmail.mailboxesOf(id).contains(name)) {
                    boolean hasUid = !labels || List.of(2L, 3L, 4L).contains(each.getKey());
                    links.add(new ServerSnapshot.Location(
                            mailbox(each.getKey()),
                            hasUid ? gmail.uidValidityOf(name) : 0,
                            hasUid ? gmail.uidIn(name, id) : 0));
                }
            }
            emails.put(
                    email(number),
                    new ServerSnapshot.EmailSnapshot(
                            Optional.of(new EmailIdentity.Gmail(String.valueOf(id))),
                            Optional.of("m" + number + "@x"),
                            links));
        });
        return new ServerSnapshot(emails, found);
    }

    private Answers apply(EmailMutation... mutations) {
        return server.apply(Fold.fold(List.of(mutations)), snapshot(), heldClaim());
    }

    private static void assertDone(Answers answers, long... numbers) {
        assertThat(answers.lost()).isEmpty();
        for (long number : numbers) {
            assertThat(answers.byEmail().get(email(number)))
                    .as("email " + number)
                    .isEqualTo(Answer.DONE);
        }
    }

    private void assertRefused(EmailMutation mutation, String text) {
        Answers answers = apply(mutation);
        assertThat(answers.byEmail()).hasSize(1);
        assertThat(((Answer.Failed) new ArrayList<>(answers.byEmail().values()).getFirst()).failure())
                .isInstanceOf(ServerFailure.Rejected.class)
                .extracting(ServerFailure::text)
                .asString()
                .contains(text);
    }
}
