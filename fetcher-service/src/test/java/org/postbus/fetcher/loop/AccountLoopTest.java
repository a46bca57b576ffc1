package org.postbus.fetcher.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.SyncState;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.observation.Observation;
import org.postbus.topic.AccountRecord.Status;

/** Whole loops against a real mail server and a real database; mail is changed by another client than ours. */
class AccountLoopTest {
    private static final String PASSWORD = "secret";
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int REFUSALS_MAX = 10;
    private static int users;

    private final String user = "loop" + ++users;
    private James james;
    private FetcherUnderTest fetcher;
    private RawImap other;
    private int refusals;

    @BeforeEach
    void start() throws Exception {
        james = DevStack.james(James.User.of(user, PASSWORD));
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofSeconds(1));
        other = RawImap.login(James.HOST, james.ports().imap(), address(), PASSWORD);
    }

    @AfterEach
    void stop() throws Exception {
        other.close();
        fetcher.close();
    }

    @Test
    void an_imap_account_becomes_and_stays_equal_to_its_server() {
        equalsItsServerWhateverHappens(imap(PASSWORD));
    }

    @Test
    void a_jmap_account_becomes_and_stays_equal_to_its_server() {
        equalsItsServerWhateverHappens(jmap(PASSWORD));
    }

    private void equalsItsServerWhateverHappens(TestAccount account) {
        other.create("Projects");
        other.create("Projects.Alpha");
        fill("INBOX", 60);
        fill("Projects.Alpha", 15);

        fetcher.start(account);
        awaitEqual(account);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select state || initial_done from account_sync where account_id = ?"))
                        .isEqualTo("idletrue"));

        other.select("INBOX");
        List<Long> uids =
                other.fetchAll().stream().map(RawImap.Message::uid).sorted().toList();
        other.addFlags(uids.subList(0, 5), "\\Flagged", "work");
        other.removeFlags(uids.subList(2, 4), "\\Flagged");
        other.move(uids.subList(10, 15), "Projects.Alpha");
        other.copy(uids.subList(20, 22), "Projects");
        other.addFlags(uids.subList(30, 35), "\\Deleted");
        other.expunge(uids.subList(30, 34));
        fill("INBOX", 7);
        awaitEqual(account);

        other.rename("Projects.Alpha", "Projects.Beta");
        other.create("Empty");
        awaitEqual(account);
        other.delete("Projects.Beta");
        other.select("INBOX");
        other.addFlags(uids.subList(0, 10), "\\Seen");
        awaitEqual(account);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void an_initial_sync_that_is_stopped_anywhere_continues_where_it_was() throws Exception {
        fill("INBOX", 700);
        for (TestAccount account : List.of(imap(PASSWORD), jmap(PASSWORD))) {
            int before = fetcher.writer.applied().size();
            fetcher.start(account);
            await().atMost(SOON).until(() -> fetcher.writer.applied().size() >= before + 3);
            fetcher.stop(account);
            fetcher.start(account);

            awaitEqual(account);
            fetcher.stop(account);
        }
        fetcher.writer.assertNoBreach();
    }

    @Test
    void any_history_of_mailboxes_ends_with_both_sides_equal() {
        long seed = 20260101;
        Random random = new Random(seed);
        List<TestAccount> accounts = List.of(imap(PASSWORD), jmap(PASSWORD));
        fill("INBOX", 30);
        accounts.forEach(fetcher::start);
        List<String> names = new ArrayList<>(List.of("INBOX"));
        for (int i = 0; i < 60; i++) {
            String mailbox = names.get(random.nextInt(names.size()));
            boolean empty = other.select(mailbox).exists() == 0;
            List<Long> uids = empty
                    ? List.of()
                    : other.fetchAll().stream()
                            .map(RawImap.Message::uid)
                            .filter(uid -> random.nextInt(4) == 0)
                            .toList();
            String target = names.get(random.nextInt(names.size()));
            switch (random.nextInt(9)) {
                case 0, 1 -> fill(mailbox, 1 + random.nextInt(5));
                case 2 -> ifAny(uids, some -> other.addFlags(some, random.nextBoolean() ? "\\Seen" : "work"));
                case 3 -> ifAny(uids, some -> other.removeFlags(some, "\\Seen", "\\Flagged"));
                case 4 ->
                    ifAny(uids, some -> {
                        other.addFlags(some, "\\Deleted");
                        other.expunge(some);
                    });
                case 5 -> ifAny(target.equals(mailbox) ? List.of() : uids, some -> other.move(some, target));
                case 6 -> {
                    String created = "Made" + i;
                    other.create(created);
                    names.add(created);
                }
                case 7 -> {
                    if (!mailbox.equals("INBOX")) {
                        other.select("INBOX");
                        other.rename(mailbox, "Renamed" + i);
                        names.set(names.indexOf(mailbox), "Renamed" + i);
                    }
                }
                case 8 -> {
                    TestAccount account = accounts.get(random.nextInt(accounts.size()));
                    fetcher.stop(account);
                    fetcher.start(account);
                }
                default -> throw new IllegalStateException();
            }
        }
        for (TestAccount account : accounts) {
            awaitEqual(account);
        }
        fetcher.writer.assertNoBreach();
    }

    /** James sometimes fails because of its own concurrency. Its state shows what it did. */
    private void ifAny(List<Long> uids, Consumer<List<Long>> action) {
        try {
            if (!uids.isEmpty()) {
                action.accept(uids);
            }
        } catch (RawImap.RefusedException refused) {
            if (++refusals > REFUSALS_MAX) {
                throw refused;
            }
        }
    }

    @Test
    void new_mail_is_published_without_waiting_for_the_poll() throws Exception {
        try (FetcherUnderTest slowPolling =
                new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofMinutes(10))) {
            for (AccountSettings settings : List.of(imapSettings(), jmapSettings())) {
                TestAccount account = slowPolling.account(settings, PASSWORD);
                slowPolling.start(account);
                await().atMost(SOON)
                        .until(() -> slowPolling.writer.observations().stream()
                                .anyMatch(observation -> observation instanceof Observation.AccountStateObserved state
                                        && state.push().isPresent()
                                        && state.push().get() != org.postbus.account.PushKind.POLL));
                await().pollDelay(Duration.ofSeconds(2)).until(() -> true);
                int before = emails(slowPolling);

                fill("INBOX", 1);

                await().atMost(Duration.ofSeconds(10)).until(() -> emails(slowPolling) > before);
                slowPolling.stop(account);
            }
            slowPolling.writer.assertNoBreach();
        }
    }

    @Test
    void a_wrong_password_becomes_needs_login_and_a_new_one_ends_it() {
        TestAccount account = imap("wrong");
        fetcher.start(account);
        await().atMost(SOON).until(() -> state(account).equals("needs-login"));

        account.update(
                "update credential set ciphertext = ? where account_id = ?",
                fetcher.cipher.encrypt(
                        account.tenantId(), account.accountId(), new Credential.Password(new Secret(PASSWORD))),
                account.accountId().value());
        fetcher.restart(account, Status.ACTIVE);

        await().atMost(SOON).until(() -> state(account).equals("idle"));
        fetcher.writer.assertNoBreach();
    }

    @Test
    void an_unreachable_server_is_backoff_with_a_retry_time() {
        TestAccount account = fetcher.account(
                new AccountSettings.Imap(address(), new ServerAddress(James.HOST, 1, TlsMode.NONE), Optional.empty()),
                PASSWORD);

        fetcher.start(account);

        await().atMost(SOON)
                .until(() -> fetcher.writer.observations().stream()
                        .anyMatch(observation -> observation instanceof Observation.AccountStateObserved state
                                && state.state() == SyncState.BACKOFF
                                && state.error().isPresent()
                                && state.retryAt().isPresent()));
    }

    @Test
    void a_paused_account_reports_it_and_is_not_synced() {
        TestAccount account = imap(PASSWORD);
        fetcher.start(account);
        await().atMost(SOON).until(() -> state(account).equals("idle"));

        fetcher.restart(account, Status.PAUSED);

        await().atMost(SOON).until(() -> state(account).equals("paused"));
    }

    @Test
    void a_lost_claim_is_made_again() {
        TestAccount account = imap(PASSWORD);
        fill("INBOX", 3);
        fetcher.start(account);
        awaitEqual(account);

        account.update(
                "update account_sync set fence = fence + 1, applied_seq = 0 where account_id = ?",
                account.accountId().value());
        fill("INBOX", 2);

        awaitEqual(account);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void what_a_jmap_server_did_not_report_is_found_by_counting() {
        fill("INBOX", 20);
        TestAccount account = jmap(PASSWORD);
        fetcher.start(account);
        awaitEqual(account);

        account.update("""
                delete from email where account_id = (select account_id from account_sync where account_id = ? for update)
                  and email_id in (select email_id from email where account_id = ?
                  order by email_id limit 5)""", account.accountId().value(), account.accountId().value());
        fill("INBOX", 1);

        awaitEqual(account);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void what_a_jmap_server_did_not_report_of_its_mailboxes_either_is_found_by_counting() {
        fill("INBOX", 8);
        TestAccount account = jmap(PASSWORD);
        fetcher.start(account);
        awaitEqual(account);
        fetcher.stop(account);
        other.select("INBOX");
        other.expunge(other.uids().stream().sorted().limit(3).toList());
        TestAccount present = jmap(PASSWORD);
        fetcher.start(present);
        awaitEqual(present);

        // From here on the server reports nothing that happened before.
        account.update("""
                update sync_state s set cursor = n.cursor from sync_state n
                where s.account_id = ? and n.account_id = ? and s.scope = n.scope""", account.accountId().value(), present.accountId().value());
        fetcher.start(account);

        awaitEqual(account);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void a_full_pass_repairs_what_no_cursor_would_show() {
        fill("INBOX", 20);
        for (TestAccount account : List.of(imap(PASSWORD), jmap(PASSWORD))) {
            fetcher.start(account);
            awaitEqual(account);

            // Under the lock that the writer takes: it may be applying the pass that found nothing.
            account.update("""
                    update email set keywords = '{lost}'
                    where account_id = (select account_id from account_sync where account_id = ? for update)""", account.accountId().value());
            account.update("""
                    delete from email where account_id = (select account_id from account_sync where account_id = ? for update)
                      and email_id in (select email_id from email where account_id = ?
                      order by email_id limit 5)""", account.accountId().value(), account.accountId().value());
            account.update("""
                    update account_sync set fence = fence + 1, applied_seq = 0, full_pass_wanted = true
                    where account_id = ?""", account.accountId().value());

            awaitEqual(account);
            await().atMost(SOON)
                    .until(() -> account.read("select full_pass_wanted from account_sync where account_id = ?")
                            .equals("f"));
            fetcher.stop(account);
        }
        fetcher.writer.assertNoBreach();
    }

    @Test
    void the_cursor_of_an_emptied_mailbox_moves_on() throws Exception {
        fill("INBOX", 3);
        TestAccount account = imap(PASSWORD);
        fetcher.start(account);
        awaitEqual(account);
        String cursor = "select string_agg(cursor::text, ' ' order by scope) from sync_state where account_id = ?";
        String before = account.read(cursor);

        other.select("INBOX");
        List<Long> uids =
                other.fetchAll().stream().map(RawImap.Message::uid).sorted().toList();
        other.addFlags(uids, "\\Deleted");
        other.expunge(uids);

        awaitEqual(account);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(account.read(cursor)).isNotEqualTo(before));
    }

    @Test
    void a_mutation_that_was_applied_is_confirmed_by_the_pass_that_was_requested_after_it() {
        TestAccount account = syncedAccountWithOneEmail();
        apply(account, 1);
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).until(() -> open(account) == 0);
        fetcher.writer.assertNoBreach();
    }

    @Test
    void thousands_of_applied_mutations_are_all_confirmed_by_one_pass() {
        TestAccount account = syncedAccountWithOneEmail();
        apply(account, 10_001);
        List<Integer> confirmed = new ArrayList<>();
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).pollInterval(Duration.ofMillis(5)).until(() -> {
            confirmed.add(10_001 - open(account));
            return open(account) == 0;
        });
        // The writer confirms in transactions of about 2,000 rows.
        assertThat(confirmed).isSorted();
        fetcher.writer.assertNoBreach();
    }

    /** The running pass may have read the mailbox before the server applied the mutation. */
    @Test
    void a_mutation_that_is_stamped_with_the_number_of_a_running_pass_is_confirmed_by_the_next_pass() {
        TestAccount account = syncedAccountWithOneEmail();
        fetcher.stop(account);
        fill("INBOX", 1);
        account.update(
                "update account_sync set full_pass_wanted = true where account_id = ?",
                account.accountId().value());
        // While the writer is held, a full pass cannot end: it waits for the writer before it compares UIDs.
        fetcher.writer.hold(true);
        long before = passNumber(account);
        fetcher.start(account);
        await().atMost(SOON).until(() -> passNumber(account) > before);
        long running = passNumber(account);
        apply(account, 1);
        fetcher.writer.hold(false);

        await().atMost(SOON).until(() -> completePasses().contains(running));
        await().atMost(SOON)
                .until(() -> open(account) == 1 || completePasses().stream().anyMatch(pass -> pass > running));
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).until(() -> open(account) == 0);
        await().atMost(SOON).until(() -> completePasses().stream().anyMatch(pass -> pass > running));
        fetcher.writer.assertNoBreach();
    }

    @Test
    void sync_requests_for_accounts_of_other_fetchers_are_ignored() {
        TestAccount account = syncedAccountWithOneEmail();
        TestAccount foreign = imap(PASSWORD);
        fetcher.requestSync(foreign.accountId());
        fetcher.requestSync(account.accountId());
        apply(account, 1);
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).until(() -> open(account) == 0);
        assertThat(foreign.read("select fence from account_sync where account_id = ?"))
                .isEqualTo("0");
        assertThat(foreign.read("select count(*) from sync_pass where account_id = ?"))
                .isEqualTo("0");
    }

    private TestAccount syncedAccountWithOneEmail() {
        fill("INBOX", 1);
        TestAccount account = imap(PASSWORD);
        fetcher.start(account);
        awaitEqual(account);
        await().atMost(SOON).until(() -> state(account).equals("idle"));
        return account;
    }

    /** As outbound-service does after the server's OK: stamped with the current number. */
    private static void apply(TestAccount account, int mutations) {
        account.update("""
                insert into pending_changes (account_id, tenant_id, email_id, kind, state, applied_pass)
                select account_id, tenant_id, email_id, 'update', 'applied',
                       coalesce((select number from sync_pass p where p.account_id = e.account_id), 0)
                from email e, generate_series(1, ?) where account_id = ?""", mutations, account.accountId().value());
    }

    private static long passNumber(TestAccount account) {
        return Long.parseLong(account.read("select coalesce(max(number), 0) from sync_pass where account_id = ?"));
    }

    private List<Long> completePasses() {
        return fetcher.writer.observations().stream()
                .filter(Observation.PassFinished.class::isInstance)
                .flatMap(pass -> ((Observation.PassFinished) pass).pass().stream())
                .toList();
    }

    private static int open(TestAccount account) {
        return Integer.parseInt(
                account.read("select count(*) from pending_changes where account_id = ? and state = 'applied'"));
    }

    @Test
    void a_large_message_has_its_texts_and_attachments() {
        String large = "Message-ID: <large@example.com>\r\nMIME-Version: 1.0\r\n"
                + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
                + "0123456789abcdef\r\n".repeat(8000)
                + "--b\r\nContent-Type: image/png; name=last.png\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n";
        other.append("INBOX", List.of(), Instant.parse("2026-01-01T00:00:00Z"), large.getBytes());
        TestAccount account = imap(PASSWORD);

        fetcher.start(account);

        awaitEqual(account);
        Observation.EmailObserved observed = fetcher.writer.observations().stream()
                .filter(Observation.EmailObserved.class::isInstance)
                .map(Observation.EmailObserved.class::cast)
                .findFirst()
                .orElseThrow();
        assertThat(observed.email().size()).isEqualTo(large.length());
        assertThat(observed.email().body().orElseThrow().attachments()).hasSize(1);
    }

    private static int emails(FetcherUnderTest fetcher) {
        return (int) fetcher.writer.observations().stream()
                .filter(Observation.EmailObserved.class::isInstance)
                .count();
    }

    private String state(TestAccount account) {
        return account.read("select state from account_sync where account_id = ?");
    }

    private void awaitEqual(TestAccount account) {
        try {
            await().atMost(SOON).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> {
                Map<String, List<String>> server = serverContent();
                Map<String, List<String>> stored = fetcher.content(account);
                assertThat(stored.keySet()).isEqualTo(server.keySet());
                for (String mailbox : server.keySet()) {
                    assertThat(stored.get(mailbox))
                            .as(mailbox)
                            .containsExactlyInAnyOrderElementsOf(server.get(mailbox));
                }
            });
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            fetcher.writer.assertNoBreach();
            throw new AssertionError(
                    account.protocol() + " account: "
                            + account.read(
                                    "select state || ', ' || coalesce(last_error, 'no error') from account_sync where account_id = ?"),
                    e);
        }
    }

    private Map<String, List<String>> serverContent() {
        Map<String, List<String>> content = new TreeMap<>();
        try (RawImap reading = RawImap.login(James.HOST, james.ports().imap(), address(), PASSWORD)) {
            for (RawImap.Listed mailbox : reading.list()) {
                if (mailbox.selectable()) {
                    boolean empty = reading.select(mailbox.name()).exists() == 0;
                    List<String> lines = new ArrayList<>();
                    (empty ? List.<RawImap.Message>of() : reading.fetchAll())
                            .forEach(message -> lines.add(DirectWriter.line(
                                    message.messageId().orElse("<>").replaceAll("[<>]", ""),
                                    keywords(message.flags()))));
                    lines.sort(null);
                    content.put(mailbox.name(), lines);
                }
            }
        }
        return content;
    }

    private static Set<String> keywords(Set<String> flags) {
        return flags.stream()
                .filter(flag -> !flag.equalsIgnoreCase("\\Deleted") && !flag.equalsIgnoreCase("\\Recent"))
                .map(flag -> flag.toLowerCase(Locale.ROOT).replace('\\', '$'))
                .collect(Collectors.toSet());
    }

    private void fill(String mailbox, int messages) {
        MailCorpus corpus = new MailCorpus(System.nanoTime(), address(), Instant.parse("2026-01-01T00:00:00Z"));
        for (int i = 0; i < messages; i++) {
            MailCorpus.Mail mail = corpus.next();
            other.append(mailbox, mail.flags(), mail.date(), mail.raw());
        }
    }

    private String address() {
        return user + "@" + James.DOMAIN;
    }

    private AccountSettings imapSettings() {
        return new AccountSettings.Imap(
                address(), new ServerAddress(James.HOST, james.ports().imap(), TlsMode.NONE), Optional.empty());
    }

    private AccountSettings jmapSettings() {
        return new AccountSettings.Jmap(address(), james.sessionUrl());
    }

    private TestAccount imap(String password) {
        return fetcher.account(imapSettings(), password);
    }

    private TestAccount jmap(String password) {
        return fetcher.account(jmapSettings(), password);
    }
}
