package org.postbus.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.change.ChangeEvent;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.TestDatabase.Account;

/**
 * What every protocol must do, on a real server; what became of it is seen by somebody else's IMAP client. Each test has a user
 * of its own.
 */
abstract class FlushContract {
    private static final AtomicInteger USERS = new AtomicInteger();
    protected static final String PASSWORD = "secret-of-the-test";

    protected OutboundSide side;
    protected String user;
    protected Account account;
    protected MailboxId inbox;
    protected MailboxId archive;
    protected RawImap raw;
    /** By UID in the INBOX. */
    private final Map<Long, String> messageIds = new HashMap<>();

    @BeforeEach
    void open() {
        user = newUser("outward" + USERS.incrementAndGet());
        raw = RawImap.login("127.0.0.1", imapPort(), user, PASSWORD);
        if (raw.list().stream().noneMatch(mailbox -> mailbox.name().equals("Archive"))) {
            raw.create("Archive");
        }
        side = new OutboundSide();
        account = newAccount();
        side.password(account, new Secret(PASSWORD));
        inbox = knownMailbox("INBOX");
        archive = knownMailbox("Archive");
    }

    @AfterEach
    void close() throws SQLException {
        raw.close();
        side.close();
    }

    /**
     * Adds a user with {@link #PASSWORD} to the server.
     *
     * @return what to log in with
     */
    abstract String newUser(String name);

    abstract int imapPort();

    /** As the gateway would have added it. */
    abstract Account newAccount();

    /** As the writer would have stored it. */
    abstract MailboxId knownMailbox(String name);

    /** As the writer would have stored that it has another name. */
    abstract void renamed(MailboxId mailbox, String rawName);

    /** An email on the server, and known as the writer would know it. */
    abstract EmailId knownEmail(long uid, String messageId);

    @Test
    void keywords_are_set_and_taken_away() {
        long uid = append("\\Flagged", "old");
        EmailId email = knownEmail(uid, messageId(uid));
        MutationId mutation = side.database.wish(
                account,
                email,
                "{\"keywords\": {\"$seen\": true, \"project-x\": true, \"$flagged\": null, \"old\": null}}");

        side.flush(account);

        assertThat(side.database.row(mutation)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("\\seen", "project-x");
    }

    @Test
    void an_email_is_moved_with_its_new_keywords() {
        long uid = append();
        long other = append("\\Seen");
        EmailId email = knownEmail(uid, messageId(uid));
        MutationId mutation = side.database.wish(
                account,
                email,
                "{\"keywords\": {\"$flagged\": true}, \"mailboxIds\": {\"" + archive.value() + "\": true, \""
                        + inbox.value() + "\": null}}");

        side.flush(account);

        assertThat(side.database.state(mutation)).isEqualTo("applied");
        assertThat(uids("INBOX")).containsExactly(other);
        assertThat(all("Archive")).singleElement().satisfies(moved -> {
            assertThat(moved.messageId()).contains("<" + messageId(uid) + ">");
            assertThat(lower(moved.flags())).contains("\\flagged");
        });
    }

    @Test
    void an_email_is_destroyed_and_no_other() {
        long kept = append();
        long uid = append();
        // Somebody else's mark must not be expunged along with ours.
        long marked = append("\\Deleted");
        MutationId mutation = side.database.destroy(account, knownEmail(uid, messageId(uid)));

        side.flush(account);

        assertThat(side.database.state(mutation)).isEqualTo("applied");
        assertThat(uids("INBOX")).containsExactly(kept, marked);
    }

    @Test
    void an_email_is_put_into_a_second_mailbox() {
        long uid = append();
        MutationId mutation = side.database.wish(
                account, knownEmail(uid, messageId(uid)), "{\"mailboxIds\": {\"" + archive.value() + "\": true}}");

        side.flush(account);

        assertThat(side.database.state(mutation)).isEqualTo("applied");
        assertThat(uids("INBOX")).containsExactly(uid);
        assertThat(all("Archive"))
                .singleElement()
                .satisfies(copy -> assertThat(copy.messageId()).contains("<" + messageId(uid) + ">"));
    }

    @Test
    void many_wishes_for_many_emails_end_as_the_last_ones_say() {
        List<Long> uids = new ArrayList<>();
        List<MutationId> mutations = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            long uid = append();
            uids.add(uid);
            EmailId email = knownEmail(uid, messageId(uid));
            mutations.add(side.database.wish(account, email, "{\"keywords\": {\"a\": true, \"b\": true}}"));
            mutations.add(side.database.wish(account, email, "{\"keywords\": {\"a\": null}}"));
        }

        side.flush(account);

        assertThat(mutations)
                .extracting(side.database::row)
                .allSatisfy(row -> assertThat(row).isEqualTo(new TestDatabase.Row("applied", 1, null)));
        assertThat(uids).allSatisfy(uid -> assertThat(flags("INBOX", uid)).containsExactly("b"));
        assertThat(side.count("applied")).isEqualTo(40);
    }

    @Test
    void an_email_that_vanished_is_refused_and_delays_no_other() {
        long gone = append();
        EmailId vanished = knownEmail(gone, messageId(gone));
        long uid = append();
        EmailId email = knownEmail(uid, messageId(uid));
        raw.select("INBOX");
        raw.expunge(List.of(gone));
        MutationId lost = side.database.wish(account, vanished, "{\"keywords\": {\"a\": true}}");
        MutationId fine = side.database.wish(account, email, "{\"keywords\": {\"a\": true}}");

        flushThroughRetries();

        assertThat(side.database.state(fine)).isEqualTo("applied");
        assertThat(side.database.state(lost)).isEqualTo("rejected");
        assertThat(side.database.row(lost).error()).isNotBlank();
        assertThat(side.database.changes(account))
                .containsExactly(new ChangeEvent.MutationRejected(
                        lost, Optional.of(vanished), side.database.row(lost).error()));
    }

    @Test
    void destroying_what_is_gone_is_as_wished() {
        long gone = append();
        EmailId vanished = knownEmail(gone, messageId(gone));
        raw.select("INBOX");
        raw.expunge(List.of(gone));
        MutationId mutation = side.database.destroy(account, vanished);

        flushThroughRetries();

        assertThat(side.database.row(mutation))
                .extracting(TestDatabase.Row::state, TestDatabase.Row::error)
                .containsExactly("applied", null);
    }

    @Test
    void one_bad_wish_does_not_spoil_the_others_for_the_same_email() {
        long uid = append();
        EmailId email = knownEmail(uid, messageId(uid));
        MutationId first = side.database.wish(account, email, "{\"keywords\": {\"a\": true}}");
        MutationId bad = side.database.wish(
                account, email, "{\"mailboxIds\": {\"" + Wishes.mailbox(77).value() + "\": true}}");
        MutationId last = side.database.wish(account, email, "{\"keywords\": {\"b\": true}}");

        side.flush(account);

        assertThat(side.database.row(first)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(side.database.row(bad).state()).isEqualTo("rejected");
        assertThat(side.database.row(last).state()).isEqualTo("applied");
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void a_mailbox_is_created_renamed_moved_and_destroyed() {
        // Not one that the server has made itself: James keeps those.
        raw.create("Shelf");
        MailboxId shelf = knownMailbox("Shelf");

        // Created; what is wished for it then waits until it has been seen.
        MailboxId wished = new MailboxId(UUID.randomUUID());
        MutationId created = side.database.mailboxWish(account, wished, "mailbox-create", "{\"name\": \"Books\"}");
        MutationId waiting = side.database.mailboxWish(account, wished, "mailbox-update", "{\"name\": \"Novels\"}");
        side.flush(account);
        assertThat(side.database.row(created)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(side.database.state(waiting)).isEqualTo("queued");
        assertThat(mailboxes()).contains("Books");
        side.database.run("delete from pending_changes");
        MailboxId books = knownMailbox("Books");

        // Renamed and moved.
        MutationId moved = side.database.mailboxWish(
                account, books, "mailbox-update", "{\"name\": \"Read\", \"parentId\": \"" + shelf.value() + "\"}");
        side.flush(account);
        assertThat(side.database.row(moved)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(mailboxes()).doesNotContain("Books").anyMatch(name -> name.matches("Shelf[./]Read"));
        renamed(
                books,
                mailboxes().stream()
                        .filter(name -> name.endsWith("Read"))
                        .findFirst()
                        .orElseThrow());

        // A mailbox with one below it stays; then it goes.
        side.database.confirm(moved);
        MutationId parent = side.database.mailboxWish(account, shelf, "mailbox-destroy", "{}");
        MutationId gone = side.database.mailboxWish(account, books, "mailbox-destroy", "{}");
        side.flush(account);
        assertThat(side.database.row(parent).state()).isEqualTo("rejected");
        assertThat(side.database.row(parent).error()).startsWith("mailboxHasChild");
        assertThat(side.database.row(gone)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(mailboxes()).contains("Shelf").noneMatch(name -> name.endsWith("Read"));
    }

    @Test
    void a_mailbox_is_created_once_and_not_beside_another_of_its_name() {
        // Halted after the server had made it.
        MailboxId wished = new MailboxId(UUID.randomUUID());
        raw.create("Made");
        MutationId halted = side.database.mailboxWish(account, wished, "mailbox-create", "{\"name\": \"Made\"}");
        side.database.run("update pending_changes set state = 'sending', attempts = 1, claimed_by = 'halted',"
                + " claimed_until = now() - interval '1 second'");
        side.flush(account);
        assertThat(side.database.row(halted)).isEqualTo(new TestDatabase.Row("applied", 2, null));
        assertThat(mailboxes()).filteredOn("Made"::equals).hasSize(1);

        // Somebody else's.
        MutationId second = side.database.mailboxWish(
                account, new MailboxId(UUID.randomUUID()), "mailbox-create", "{\"name\": \"Archive\"}");
        side.flush(account);
        assertThat(side.database.row(second).state()).isEqualTo("rejected");
        assertThat(side.database.row(second).error()).startsWith("alreadyExists");
    }

    @Test
    void a_mailbox_with_emails_is_destroyed_only_if_they_may_go() {
        raw.create("Shelf");
        MailboxId shelf = knownMailbox("Shelf");
        append();
        raw.select("INBOX");
        raw.copy(raw.uids(), "Shelf");
        MutationId careful = side.database.mailboxWish(account, shelf, "mailbox-destroy", "{}");
        side.flush(account);
        assertThat(side.database.row(careful).state()).isEqualTo("rejected");
        assertThat(side.database.row(careful).error()).startsWith("mailboxHasEmail");

        MutationId wholly =
                side.database.mailboxWish(account, shelf, "mailbox-destroy", "{\"onDestroyRemoveEmails\": true}");
        side.flush(account);
        assertThat(side.database.state(wholly)).isEqualTo("applied");
        assertThat(mailboxes()).doesNotContain("Shelf");
    }

    @Test
    void emails_are_moved_out_before_their_mailbox_is_destroyed() {
        long uid = append();
        EmailId email = knownEmail(uid, messageId(uid));
        MutationId move = side.database.wish(
                account,
                email,
                "{\"mailboxIds\": {\"" + archive.value() + "\": true, \"" + inbox.value() + "\": null}}");
        MutationId create = side.database.mailboxWish(
                account, new MailboxId(UUID.randomUUID()), "mailbox-create", "{\"name\": \"Later\"}");
        MutationId after = side.database.wish(account, knownEmailAgain(), "{\"keywords\": {\"a\": true}}");

        List<String> order = new ArrayList<>();
        while (side.flusher.flush(account.tenant(), account.id())) {
            order.add(side.database.state(move) + " " + side.database.state(create) + " " + side.database.state(after));
        }

        assertThat(order).containsExactly("applied queued queued", "applied applied queued", "applied applied applied");
    }

    private EmailId knownEmailAgain() {
        long uid = append();
        return knownEmail(uid, messageId(uid));
    }

    private List<String> mailboxes() {
        return raw.list().stream().map(RawImap.Listed::name).toList();
    }

    @Test
    void the_fetcher_is_woken_by_a_record_that_is_marked_as_published() {
        long uid = append();
        side.database.wish(account, knownEmail(uid, messageId(uid)), "{\"keywords\": {\"a\": true}}");

        side.flush(account);

        assertThat(side.database.wake(account)).isOne();
        await().untilAsserted(() -> assertThat(side.database.rows(
                        "select 1 from account where account_id = ? and published_wake = wake and published_revision = revision",
                        account.id().value()))
                .hasSize(1));
        assertThat(side.published).singleElement().satisfies(record -> {
            assertThat(record.accountId()).isEqualTo(account.id());
            assertThat(record.wake()).isOne();
        });
    }

    @Test
    void the_connection_is_used_again() {
        long uid = append();
        EmailId email = knownEmail(uid, messageId(uid));
        for (int i = 0; i < 3; i++) {
            side.database.wish(account, email, "{\"keywords\": {\"a" + i + "\": true}}");
            side.flush(account);
            assertThat(side.servers.idle()).isOne();
        }
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("a0", "a1", "a2");
    }

    @Test
    void a_refused_login_holds_the_account_and_burns_no_try() {
        side.password(account, new Secret("wrong"));
        long uid = append();
        EmailId email = knownEmail(uid, messageId(uid));
        MutationId mutation = side.database.wish(account, email, "{\"keywords\": {\"a\": true}}");

        side.flush(account);

        assertThat(side.database.state(mutation)).isEqualTo("queued");
        assertThat(side.database.row(mutation).attempts()).isZero();
        assertThat(side.database.row(mutation).error()).isNotBlank();
        assertThat(side.count("needs-login")).isOne();

        side.password(account, new Secret(PASSWORD));
        side.database.run(
                "update account set revision = revision + 1 where account_id = ?",
                account.id().value());
        side.flush(account);

        assertThat(side.database.row(mutation)).isEqualTo(new TestDatabase.Row("applied", 1, null));
    }

    /** What waits for its next try does not wait here. */
    protected void flushThroughRetries() {
        for (int i = 0; i < RetryRule.TRIES_MAX; i++) {
            side.flush(account);
            side.database.hurry();
        }
    }

    protected long append(String... flags) {
        String marker = "m" + System.nanoTime() + "@example.com";
        byte[] message = ("Message-ID: <" + marker + ">\r\nFrom: a@example.com\r\nSubject: test\r\n\r\nHello\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        long uid = raw.append("INBOX", List.of(flags), Instant.parse("2026-01-02T03:04:05Z"), message)
                .orElseThrow();
        messageIds.put(uid, marker);
        return uid;
    }

    protected String messageId(long uid) {
        return messageIds.get(uid);
    }

    protected int messages(String mailbox) {
        return all(mailbox).size();
    }

    protected long uidValidity(String mailbox) {
        return raw.select(mailbox).uidValidity();
    }

    private Set<String> flags(String mailbox, long uid) {
        return lower(all(mailbox).stream()
                .filter(message -> message.uid() == uid)
                .findFirst()
                .orElseThrow()
                .flags());
    }

    protected static Set<String> lower(Set<String> flags) {
        return flags.stream().map(flag -> flag.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
    }

    private List<Long> uids(String mailbox) {
        return all(mailbox).stream().map(RawImap.Message::uid).toList();
    }

    protected List<RawImap.Message> all(String mailbox) {
        return raw.select(mailbox).exists() == 0 ? List.of() : raw.fetchAll();
    }
}
