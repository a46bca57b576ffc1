package org.postbus.fetcher.imap.gmail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.mail.imap.fake.FakeGmail;
import org.postbus.mail.imap.fake.GmailContainer;

/** Gmail: a message is stored once and its labels are mailboxes; whatever is done to it, it stays one email with one id. */
class GmailTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final boolean LONG = Boolean.getBoolean("postbus.long");

    private final FakeGmail gmail = new FakeGmail();
    private FetcherUnderTest fetcher;
    private TestAccount account;
    private int made;

    @BeforeEach
    void start() {
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofMinutes(10));
        account = fetcher.account(
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", gmail.port(), TlsMode.NONE), Optional.empty()),
                "secret");
    }

    @AfterEach
    void stop() throws Exception {
        fetcher.close();
        gmail.close();
    }

    @Test
    void messages_are_read_where_they_are_stored_and_their_labels_are_mailboxes() {
        gmail.createLabel("B&APw-cher");
        gmail.createLabel("Work/a (b)");
        gmail.deliver("everywhere@x", "\\Inbox", "\\Important", "B&APw-cher", "Work/a (b)");
        gmail.deliver("archived@x");
        long starred = gmail.deliver("starred@x", "\\Sent");
        gmail.flag(starred, "\\Flagged", true);
        gmail.deliver(GmailContainer.TRASH, "trash@x", "Work/a (b)");
        gmail.deliver(GmailContainer.SPAM, "spam@x");

        synchronise();

        assertEqual();
        assertThat(count("email")).isEqualTo(5);
        assertThat(account.read("select count(*) from email where account_id = ? and identity not like 'gm:%'"))
                .isEqualTo("0");
        assertThat(mailboxesOf("everywhere@x"))
                .containsExactlyInAnyOrder("INBOX", FakeGmail.ALL_MAIL, "[Gmail]/Wichtig", "B&APw-cher", "Work/a (b)");
        assertThat(mailboxesOf("archived@x")).containsExactly(FakeGmail.ALL_MAIL);
        assertThat(mailboxesOf("trash@x")).containsExactly(FakeGmail.TRASH);
        assertThat(gmail.heard())
                .filteredOn(command -> command.contains("BODY.PEEK"))
                .as("no message is read twice")
                .hasSize(3);
        assertThat(
                        account.read(
                                "select total_emails || ' ' || unread_emails from mailbox where account_id = ? and raw_name = 'INBOX'"))
                .isEqualTo("1 1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_change_of_labels_is_one_update_whether_or_not_it_has_a_mod_sequence(boolean labelsHaveModSeqs) {
        gmail.labelsHaveModSeqs(labelsHaveModSeqs);
        gmail.createLabel("Work");
        long id = gmail.deliver("a@x", "\\Inbox");
        gmail.deliver("b@x", "\\Inbox");
        synchronise();

        assertThat(changesOf(() -> gmail.label(id, "Work", true))).satisfiesExactly(GmailTest::isMove);
        assertThat(changesOf(() -> gmail.label(id, "\\Inbox", false)))
                .as("archived")
                .satisfiesExactly(GmailTest::isMove);
        assertThat(changesOf(() -> {
                    gmail.label(id, "Work", false);
                    gmail.label(id, "\\Inbox", true);
                }))
                .satisfiesExactly(GmailTest::isMove);
        assertThat(mailboxesOf("a@x")).containsExactlyInAnyOrder("INBOX", FakeGmail.ALL_MAIL);
    }

    @Test
    void a_star_is_a_keyword_and_a_label_in_one_update() {
        long id = gmail.deliver("a@x", "\\Inbox");
        synchronise();

        assertThat(changesOf(() -> gmail.flag(id, "\\Flagged", true))).satisfiesExactly(change -> {
            EmailUpdated updated = (EmailUpdated) change;
            assertThat(updated.keywords()).isPresent();
            assertThat(updated.mailboxIds()).isPresent();
        });
    }

    @Test
    void to_the_trash_and_back_and_to_spam_is_one_update_each_of_the_same_email() {
        gmail.createLabel("Work");
        long id = gmail.deliver("a@x", "\\Inbox", "Work");
        synchronise();
        Map<String, String> before = emailIds();

        for (GmailContainer container : List.of(
                GmailContainer.TRASH,
                GmailContainer.ALL_MAIL,
                GmailContainer.SPAM,
                GmailContainer.ALL_MAIL,
                GmailContainer.TRASH)) {
            assertThat(changesOf(() -> gmail.move(id, container)))
                    .as("to %s", container)
                    .satisfiesExactly(GmailTest::isMove);
        }
        assertThat(emailIds()).isEqualTo(before);
        assertThat(changesOf(() -> gmail.destroy(id)))
                .satisfiesExactly(change -> assertThat(change).isInstanceOf(EmailDestroyed.class));
    }

    @Test
    void a_renamed_label_changes_no_email_and_a_deleted_one_changes_each_once() {
        gmail.createLabel("Work");
        gmail.deliver("a@x", "Work", "\\Inbox");
        gmail.deliver("b@x", "Work");
        synchronise();
        String mailbox = account.read("select mailbox_id from mailbox where account_id = ? and raw_name = 'Work'");

        assertThat(changesOf(() -> gmail.renameLabel("Work", "Jobs"))).isEmpty();
        assertThat(account.read("select mailbox_id from mailbox where account_id = ? and raw_name = 'Jobs'"))
                .isEqualTo(mailbox);
        assertThat(changesOf(() -> gmail.deleteLabel("Jobs"))).satisfiesExactly(GmailTest::isMove, GmailTest::isMove);
    }

    @Test
    void a_label_created_during_a_pass_is_not_lost_and_a_hidden_one_does_not_repeat_the_pass() {
        gmail.createLabel("Hidden");
        gmail.showInImap("Hidden", false);
        gmail.createLabel("Late");
        gmail.showInImap("Late", false);
        gmail.deliver("a@x", "Hidden", "Late");
        synchronise();
        assertThat(mailboxesOf("a@x")).containsExactly(FakeGmail.ALL_MAIL);

        assertThat(changesOf(() -> gmail.showInImap("Late", true))).satisfiesExactly(GmailTest::isMove);

        assertThat(mailboxesOf("a@x")).containsExactlyInAnyOrder(FakeGmail.ALL_MAIL, "Late");
        gmail.heard();
        pass();
        assertThat(gmail.heard()).allMatch(GmailTest::isListOrIdle);
    }

    @Test
    void hiding_all_mail_from_imap_is_an_error_and_loses_nothing() {
        gmail.createLabel("Work");
        gmail.deliver("a@x", "\\Inbox", "Work");
        gmail.deliver("archived@x");
        gmail.showInImap(FakeGmail.ALL_MAIL, false);
        fetcher.start(account);
        awaitState("backoff");
        assertThat(account.read("select last_error from account_sync where account_id = ?"))
                .contains("Gmail hides All Mail from IMAP")
                .contains("Show in IMAP");
        assertThat(count("email")).isZero();
        assertThat(count("mailbox")).isZero();

        gmail.showInImap(FakeGmail.ALL_MAIL, true);
        awaitState("idle");
        assertEqual();
        Map<String, String> before = emailIds();

        gmail.showInImap(FakeGmail.ALL_MAIL, false);
        fetcher.requestSync(account.accountId());
        awaitState("backoff");
        assertThat(emailIds()).isEqualTo(before);
        gmail.showInImap(FakeGmail.ALL_MAIL, true);
        awaitState("idle");
        assertEqual();
        assertThat(emailIds()).isEqualTo(before);
    }

    private void awaitState(String state) {
        await().atMost(SOON).until(() -> {
            fetcher.requestSync(account.accountId());
            return account.read("select state from account_sync where account_id = ?")
                    .equals(state);
        });
    }

    @Test
    void an_unchanged_account_costs_one_list_also_after_a_restart() {
        gmail.createLabel("Work");
        for (int i = 0; i < 30; i++) {
            gmail.deliver("m" + i, "\\Inbox", "Work");
        }
        synchronise();
        fetcher.stop(account);
        gmail.heard();

        fetcher.start(account);
        quiet();
        gmail.heard();
        pass();

        assertThat(gmail.heard()).isNotEmpty().allMatch(GmailTest::isListOrIdle);
    }

    private static boolean isListOrIdle(String command) {
        return command.startsWith("LIST") || command.equals("IDLE");
    }

    @Test
    void mail_that_skips_the_inbox_wakes_the_loop() {
        gmail.createLabel("Filtered");
        synchronise();
        // The watcher began with the inbox, because the name of All Mail was not known yet.
        gmail.heard();
        gmail.hangUp();
        List<String> heard = new ArrayList<>();
        await().atMost(SOON).until(() -> {
            heard.addAll(gmail.heard());
            return heard.contains("EXAMINE \"" + FakeGmail.ALL_MAIL + "\" (CONDSTORE)") && heard.contains("IDLE");
        });

        gmail.deliver("a@x", "Filtered");

        await().atMost(SOON).untilAsserted(() -> assertThat(mailboxesOf("a@x")).contains("Filtered"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void any_history_ends_with_both_sides_equal_and_every_email_keeps_its_id(boolean labelsHaveModSeqs) {
        long seed = LONG ? System.nanoTime() : 20261123;
        Random random = new Random(seed);
        gmail.labelsHaveModSeqs(labelsHaveModSeqs);
        List<String> labels = new ArrayList<>(List.of("\\Inbox", "\\Important", "\\Sent"));
        synchronise();
        Map<String, String> idsSoFar = new HashMap<>();
        for (int round = 0; round < (LONG ? 200 : 18); round++) {
            for (int i = random.nextInt(12); i >= 0; i--) {
                some(random, labels);
            }
            if (random.nextInt(10) == 0) {
                gmail.hangUp();
            }
            if (random.nextInt(10) == 0) {
                fetcher.stop(account);
                fetcher.start(account);
            }
            if (random.nextInt(3) == 0) {
                // Some passes see much at once, some see the middle of something.
                fetcher.requestSync(account.accountId());
                continue;
            }
            quiet();
            assertEqual("seed " + seed + ", round " + round);
            Map<String, String> ids = emailIds();
            idsSoFar.keySet().retainAll(ids.keySet());
            assertThat(ids).as("seed %d, round %d", seed, round).containsAllEntriesOf(idsSoFar);
            idsSoFar = ids;
        }
        quiet();
        assertEqual("seed " + seed + ", at the end");
        assertThat(count("email where unlinked_pass is not null and")).isZero();
        assertThat(changesAfter(0).stream()
                        .filter(EmailCreated.class::isInstance)
                        .map(change -> ((EmailCreated) change).email().headers().messageId()))
                .as("created once, seed %d", seed)
                .doesNotHaveDuplicates();
    }

    private void some(Random random, List<String> labels) {
        List<Long> ids = gmail.ids();
        int what = random.nextInt(ids.size() < 5 ? 2 : 12);
        long id = ids.isEmpty() ? 0 : ids.get(random.nextInt(ids.size()));
        String label = labels.get(random.nextInt(labels.size()));
        switch (what) {
            case 0 -> gmail.deliver(randomContainer(random), "m" + ++made + "@x", label);
            case 1 -> gmail.deliver("m" + ++made + "@x", label, "\\Inbox");
            case 2, 3, 4 -> gmail.label(id, label, random.nextBoolean());
            case 5 -> gmail.label(id, "\\Inbox", random.nextBoolean());
            case 6 -> gmail.flag(id, random.nextBoolean() ? "\\Seen" : "\\Flagged", random.nextBoolean());
            case 7, 8 -> gmail.move(id, randomContainer(random));
            case 9 -> {
                if (gmail.containerOf(id) != GmailContainer.ALL_MAIL) {
                    gmail.destroy(id);
                }
            }
            default -> onLabels(random, labels);
        }
    }

    private static GmailContainer randomContainer(Random random) {
        return GmailContainer.values()[random.nextInt(GmailContainer.values().length)];
    }

    private void onLabels(Random random, List<String> labels) {
        String fresh = "l" + random.nextInt(1_000_000);
        int which = 3 + random.nextInt(Math.max(1, labels.size() - 3));
        switch (labels.size() < 5 ? 0 : random.nextInt(3)) {
            case 0 -> {
                gmail.createLabel(fresh);
                labels.add(fresh);
            }
            case 1 -> gmail.renameLabel(labels.set(which, fresh), fresh);
            default -> gmail.deleteLabel(labels.remove(which));
        }
    }

    // ---- Steps

    private void synchronise() {
        fetcher.start(account);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select state || initial_done from account_sync where account_id = ?"))
                        .isEqualTo("idletrue"));
        quiet();
    }

    /** Until a pass no longer leads to another. */
    private void quiet() {
        pass();
        pass();
        fetcher.writer.assertNoBreach();
    }

    private void pass() {
        Instant now = Instant.now();
        await().atMost(SOON).pollInterval(Duration.ofMillis(50)).until(() -> {
            fetcher.requestSync(account.accountId());
            return account.wasSyncedSince(now);
        });
        await().atMost(SOON)
                .until(() -> account.read("select state from account_sync where account_id = ?")
                        .equals("idle"));
    }

    private static void isMove(Change change) {
        assertThat(change).isInstanceOfSatisfying(EmailUpdated.class, updated -> {
            assertThat(updated.mailboxIds()).isPresent();
            assertThat(updated.keywords()).isEmpty();
        });
    }

    /** The changes of emails that an action causes; both sides are equal afterwards. */
    private List<Change> changesOf(Runnable operation) {
        long seqBefore = Long.parseLong(account.read("select change_seq from account_sync where account_id = ?"));
        operation.run();
        quiet();
        assertEqual();
        return changesAfter(seqBefore).stream()
                .filter(change -> change instanceof EmailCreated
                        || change instanceof EmailUpdated
                        || change instanceof EmailDestroyed)
                .toList();
    }

    private List<Change> changesAfter(long seq) {
        List<Change> changes = new ArrayList<>();
        DirectWriter.query(
                fetcher.database,
                "select data from change_log where account_id = ? and seq > ? order by seq",
                row -> changes.add(
                        EventCodec.decode(row.getString(1), ChangeEvent.class).change()),
                account.accountId().value(),
                seq);
        return changes;
    }

    private void assertEqual() {
        assertEqual("after the last step");
    }

    private void assertEqual(String when) {
        Map<String, List<String>> server = new TreeMap<>();
        gmail.content()
                .forEach((mailbox, mails) -> server.put(
                        mailbox,
                        mails.entrySet().stream()
                                .map(mail -> DirectWriter.line(mail.getKey(), FakeGmail.keywords(mail.getValue())))
                                .sorted()
                                .toList()));
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () -> assertThat(fetcher.content(account)).as(when).isEqualTo(server));
    }

    private Map<String, String> emailIds() {
        Map<String, String> ids = new HashMap<>();
        DirectWriter.query(
                fetcher.database,
                "select message_id, email_id from email where account_id = ?",
                row -> ids.merge(row.getString(1), row.getString(2), (one, two) -> one + " " + two),
                account.accountId().value());
        return ids;
    }

    private Set<String> mailboxesOf(String messageId) {
        Set<String> mailboxes = new java.util.TreeSet<>();
        DirectWriter.query(
                fetcher.database,
                """
                select m.raw_name from email e join email_mailbox l using (account_id, email_id)
                join mailbox m using (account_id, mailbox_id) where account_id = ? and e.message_id = ?""",
                row -> mailboxes.add(row.getString(1)),
                account.accountId().value(),
                messageId);
        return mailboxes;
    }

    private long count(String table) {
        return Long.parseLong(account.read(
                "select count(*) from " + table + (table.endsWith("and") ? "" : " where") + " account_id = ?"));
    }
}
