package org.postbus.outbound.flush;

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
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.retry.RetrySchedule;
import org.postbus.topic.SyncRequest;

/**
 * What every protocol must do, on a real server. Another IMAP client checks the results. Each test has a user of its own.
 */
abstract class MutationFlushContract {
    private static final AtomicInteger USERS = new AtomicInteger();
    protected static final String PASSWORD = "secret-of-the-test";

    protected OutboundProcess process;
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
        process = new OutboundProcess();
        account = newAccount();
        process.password(account, new Secret(PASSWORD));
        inbox = storedMailbox("INBOX");
        archive = storedMailbox("Archive");
    }

    @AfterEach
    void close() throws SQLException {
        raw.close();
        process.close();
    }

    /**
     * Adds a user with {@link #PASSWORD} to the server.
     *
     * @return what to log in with
     */
    abstract String newUser(String name);

    abstract int imapPort();

    /** Adds the account as the gateway would. */
    abstract Account newAccount();

    /** Stores the mailbox as the writer would. */
    abstract MailboxId storedMailbox(String name);

    /** Stores the mailbox's new name as the writer would. */
    abstract void renamed(MailboxId mailbox, String rawName);

    /** An email of the server, stored as the writer would store it. */
    abstract EmailId storedEmail(long uid, String messageId);

    @Test
    void keywords_are_added_and_removed() {
        long uid = append("\\Flagged", "old");
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId mutation = process.database.mutation(
                account,
                email,
                "{\"keywords\": {\"$seen\": true, \"project-x\": true, \"$flagged\": null, \"old\": null}}");

        process.flush(account);

        assertThat(process.database.row(mutation)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("\\seen", "project-x");
    }

    @Test
    void an_email_is_moved_with_its_new_keywords() {
        long uid = append();
        long other = append("\\Seen");
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId mutation = process.database.mutation(
                account,
                email,
                "{\"keywords\": {\"$flagged\": true}, \"mailboxIds\": {\"" + archive.value() + "\": true, \""
                        + inbox.value() + "\": null}}");

        process.flush(account);

        assertThat(process.database.state(mutation)).isEqualTo("applied");
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
        // A message that another client marked must not be expunged.
        long marked = append("\\Deleted");
        MutationId mutation = process.database.destroy(account, storedEmail(uid, messageId(uid)));

        process.flush(account);

        assertThat(process.database.state(mutation)).isEqualTo("applied");
        assertThat(uids("INBOX")).containsExactly(kept, marked);
    }

    @Test
    void an_email_is_added_to_a_second_mailbox() {
        long uid = append();
        MutationId mutation = process.database.mutation(
                account, storedEmail(uid, messageId(uid)), "{\"mailboxIds\": {\"" + archive.value() + "\": true}}");

        process.flush(account);

        assertThat(process.database.state(mutation)).isEqualTo("applied");
        assertThat(uids("INBOX")).containsExactly(uid);
        assertThat(all("Archive"))
                .singleElement()
                .satisfies(copy -> assertThat(copy.messageId()).contains("<" + messageId(uid) + ">"));
    }

    @Test
    void the_last_of_many_mutations_of_an_email_wins() {
        List<Long> uids = new ArrayList<>();
        List<MutationId> mutations = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            long uid = append();
            uids.add(uid);
            EmailId email = storedEmail(uid, messageId(uid));
            mutations.add(process.database.mutation(account, email, "{\"keywords\": {\"a\": true, \"b\": true}}"));
            mutations.add(process.database.mutation(account, email, "{\"keywords\": {\"a\": null}}"));
        }

        process.flush(account);

        assertThat(mutations)
                .extracting(process.database::row)
                .allSatisfy(row -> assertThat(row).isEqualTo(new TestDatabase.Row("applied", 1, null)));
        assertThat(uids).allSatisfy(uid -> assertThat(flags("INBOX", uid)).containsExactly("b"));
        assertThat(process.count("applied")).isEqualTo(40);
    }

    @Test
    void a_mutation_of_a_vanished_email_is_rejected_and_delays_no_other() {
        long gone = append();
        EmailId vanished = storedEmail(gone, messageId(gone));
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        raw.select("INBOX");
        raw.expunge(List.of(gone));
        MutationId lost = process.database.mutation(account, vanished, "{\"keywords\": {\"a\": true}}");
        MutationId fine = process.database.mutation(account, email, "{\"keywords\": {\"a\": true}}");

        flushThroughRetries();

        assertThat(process.database.state(fine)).isEqualTo("applied");
        assertThat(process.database.state(lost)).isEqualTo("rejected");
        assertThat(process.database.row(lost).error()).startsWith("notFound");
        assertThat(process.database.changes(account))
                .containsExactly(new ChangeEvent.MutationRejected(
                        lost, Optional.of(vanished), process.database.row(lost).error()));
    }

    @Test
    void destroying_an_email_that_another_client_has_destroyed_is_not_found() {
        long gone = append();
        EmailId vanished = storedEmail(gone, messageId(gone));
        raw.select("INBOX");
        raw.expunge(List.of(gone));
        MutationId mutation = process.database.destroy(account, vanished);

        flushThroughRetries();

        assertThat(process.database.row(mutation).state()).isEqualTo("rejected");
        assertThat(process.database.row(mutation).error()).startsWith("notFound");
    }

    /** The row may be gone because the email has another id now: its mail may still be on the server. */
    @Test
    void destroying_an_email_whose_row_is_gone_is_not_found() {
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId mutation = process.database.destroy(account, email);
        process.database.unlink(account, email);
        process.database.run("delete from email where email_id = ?", email.value());

        flushThroughRetries();

        assertThat(process.database.row(mutation).state()).isEqualTo("rejected");
        assertThat(process.database.row(mutation).error()).startsWith("notFound");
        assertThat(uids("INBOX")).containsExactly(uid);
    }

    @Test
    void one_invalid_mutation_does_not_spoil_the_others_of_the_same_email() {
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId first = process.database.mutation(account, email, "{\"keywords\": {\"a\": true}}");
        MutationId bad = process.database.mutation(
                account, email, "{\"mailboxIds\": {\"" + Mutations.mailbox(77).value() + "\": true}}");
        MutationId last = process.database.mutation(account, email, "{\"keywords\": {\"b\": true}}");

        process.flush(account);

        assertThat(process.database.row(first)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(process.database.row(bad).state()).isEqualTo("rejected");
        assertThat(process.database.row(last).state()).isEqualTo("applied");
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void a_mailbox_is_created_renamed_moved_and_destroyed() {
        // Not one that the server created itself: James does not delete those.
        raw.create("Shelf");
        MailboxId shelf = storedMailbox("Shelf");

        // Created; further mutations of it wait until it is confirmed.
        MailboxId requested = new MailboxId(UUID.randomUUID());
        MutationId created =
                process.database.mailboxMutation(account, requested, "mailbox-create", "{\"name\": \"Books\"}");
        MutationId waiting =
                process.database.mailboxMutation(account, requested, "mailbox-update", "{\"name\": \"Novels\"}");
        process.flush(account);
        assertThat(process.database.row(created)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(process.database.state(waiting)).isEqualTo("queued");
        assertThat(mailboxes()).contains("Books");
        process.database.run("delete from pending_changes");
        MailboxId books = storedMailbox("Books");

        // Renamed and moved.
        MutationId moved = process.database.mailboxMutation(
                account, books, "mailbox-update", "{\"name\": \"Read\", \"parentId\": \"" + shelf.value() + "\"}");
        process.flush(account);
        assertThat(process.database.row(moved)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(mailboxes()).doesNotContain("Books").anyMatch(name -> name.matches("Shelf[./]Read"));
        renamed(
                books,
                mailboxes().stream()
                        .filter(name -> name.endsWith("Read"))
                        .findFirst()
                        .orElseThrow());

        // A mailbox with a child is not destroyed; its child is.
        process.database.confirm(moved);
        MutationId parent = process.database.mailboxMutation(account, shelf, "mailbox-destroy", "{}");
        MutationId gone = process.database.mailboxMutation(account, books, "mailbox-destroy", "{}");
        process.flush(account);
        assertThat(process.database.row(parent).state()).isEqualTo("rejected");
        assertThat(process.database.row(parent).error()).startsWith("mailboxHasChild");
        assertThat(process.database.row(gone)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(mailboxes()).contains("Shelf").noneMatch(name -> name.endsWith("Read"));
    }

    @Test
    void a_mailbox_is_created_once_and_not_if_another_has_its_name() {
        // Halted after the server had created it.
        MailboxId requested = new MailboxId(UUID.randomUUID());
        raw.create("Made");
        MutationId halted =
                process.database.mailboxMutation(account, requested, "mailbox-create", "{\"name\": \"Made\"}");
        process.database.run("update pending_changes set state = 'sending', attempts = 1, claimed_by = 'halted',"
                + " claimed_until = now() - interval '1 second'");
        process.flush(account);
        assertThat(process.database.row(halted)).isEqualTo(new TestDatabase.Row("applied", 2, null));
        assertThat(mailboxes()).filteredOn("Made"::equals).hasSize(1);

        // The name of an existing mailbox.
        MutationId second = process.database.mailboxMutation(
                account, new MailboxId(UUID.randomUUID()), "mailbox-create", "{\"name\": \"Archive\"}");
        process.flush(account);
        assertThat(process.database.row(second).state()).isEqualTo("rejected");
        assertThat(process.database.row(second).error()).startsWith("alreadyExists");
    }

    @Test
    void a_mailbox_with_emails_is_destroyed_only_if_the_emails_may_be_destroyed() {
        raw.create("Shelf");
        MailboxId shelf = storedMailbox("Shelf");
        append();
        raw.select("INBOX");
        raw.copy(raw.uids(), "Shelf");
        MutationId careful = process.database.mailboxMutation(account, shelf, "mailbox-destroy", "{}");
        process.flush(account);
        assertThat(process.database.row(careful).state()).isEqualTo("rejected");
        assertThat(process.database.row(careful).error()).startsWith("mailboxHasEmail");

        MutationId wholly = process.database.mailboxMutation(
                account, shelf, "mailbox-destroy", "{\"onDestroyRemoveEmails\": true}");
        process.flush(account);
        assertThat(process.database.state(wholly)).isEqualTo("applied");
        assertThat(mailboxes()).doesNotContain("Shelf");
    }

    @Test
    void emails_are_moved_out_before_their_mailbox_is_destroyed() {
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId move = process.database.mutation(
                account,
                email,
                "{\"mailboxIds\": {\"" + archive.value() + "\": true, \"" + inbox.value() + "\": null}}");
        MutationId create = process.database.mailboxMutation(
                account, new MailboxId(UUID.randomUUID()), "mailbox-create", "{\"name\": \"Later\"}");
        MutationId after = process.database.mutation(account, storedEmailAgain(), "{\"keywords\": {\"a\": true}}");

        List<String> order = new ArrayList<>();
        while (process.flusher.flush(account.tenant(), account.id())) {
            order.add(process.database.state(move) + " " + process.database.state(create) + " "
                    + process.database.state(after));
        }

        assertThat(order).containsExactly("applied queued queued", "applied applied queued", "applied applied applied");
    }

    private EmailId storedEmailAgain() {
        long uid = append();
        return storedEmail(uid, messageId(uid));
    }

    private List<String> mailboxes() {
        return raw.list().stream().map(RawImap.Listed::name).toList();
    }

    @Test
    void an_applied_mutation_is_stamped_with_the_current_pass_and_a_sync_is_requested() {
        long uid = append();
        process.database.beginPass(account, 41);
        MutationId mutation =
                process.database.mutation(account, storedEmail(uid, messageId(uid)), "{\"keywords\": {\"a\": true}}");

        process.flush(account);

        assertThat(process.database.state(mutation)).isEqualTo("applied");
        assertThat(process.database.appliedPass(mutation)).isEqualTo(41);
        await().untilAsserted(() ->
                assertThat(process.syncRequests).containsExactly(new SyncRequest(account.tenant(), account.id())));
    }

    @Test
    void the_connection_is_used_again() {
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        for (int i = 0; i < 3; i++) {
            process.database.mutation(account, email, "{\"keywords\": {\"a" + i + "\": true}}");
            process.flush(account);
            assertThat(process.servers.idle()).isOne();
        }
        assertThat(flags("INBOX", uid)).containsExactlyInAnyOrder("a0", "a1", "a2");
    }

    @Test
    void a_refused_login_holds_the_account_and_does_not_count_as_an_attempt() {
        process.password(account, new Secret("wrong"));
        long uid = append();
        EmailId email = storedEmail(uid, messageId(uid));
        MutationId mutation = process.database.mutation(account, email, "{\"keywords\": {\"a\": true}}");

        process.flush(account);

        assertThat(process.database.state(mutation)).isEqualTo("queued");
        assertThat(process.database.row(mutation).attempts()).isZero();
        assertThat(process.database.row(mutation).error()).isNotBlank();
        assertThat(process.database.hold(account, "mutations"))
                .hasValueSatisfying(hold -> assertThat(hold).containsEntry("reason", "login-refused"));

        process.password(account, new Secret(PASSWORD));
        process.database.run(
                "update account set revision = revision + 1 where account_id = ?",
                account.id().value());
        process.flush(account);

        assertThat(process.database.row(mutation)).isEqualTo(new TestDatabase.Row("applied", 1, null));
        assertThat(process.database.hold(account, "mutations")).isEmpty();
    }

    /** Makes waiting mutations due after each attempt, and ends a pass. */
    protected void flushThroughRetries() {
        for (int i = 0; i < RetrySchedule.ATTEMPTS_MAX; i++) {
            process.flush(account);
            process.database.makeDue();
            process.database.passEnds(account);
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
