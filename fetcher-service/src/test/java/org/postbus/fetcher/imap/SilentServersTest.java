package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.fetcher.imap.QuirkyAccount.PLAIN;
import static org.postbus.fetcher.imap.QuirkyAccount.QRESYNC;
import static org.postbus.fetcher.imap.QuirkyAccount.SOON;
import static org.postbus.fetcher.imap.QuirkyAccount.server;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that leave out what exists, or report numbers that are wrong: silence is no evidence, and what was listed or sent counts. */
class SilentServersTest {
    private QuirkyAccount account;

    @AfterEach
    void stop() throws Exception {
        account.close();
    }

    /** Without the FETCH responses of a message; they are one line, a literal and its end. */
    private static String without(String answer, long uid) {
        return answer.replaceAll("(?s)\\* \\d+ FETCH \\(UID " + uid + " .*?\\)\\r\\n(?=\\* \\d+ FETCH|TAG )", "");
    }

    private static UnaryOperator<String> atFirst(int answers, UnaryOperator<String> mistake) {
        AtomicInteger left = new AtomicInteger(answers);
        return usual -> left.getAndDecrement() > 0 ? mistake.apply(usual) : usual;
    }

    private void assertNothingLost(int messages) {
        assertThat(account.inbox()).hasSize(messages);
        assertThat(account.emailChanges("email.destroyed")).isEqualTo("0");
        assertThat(account.count("quarantined_message")).isZero();
    }

    // ---- FETCH

    @Test
    void a_message_that_a_fetch_of_several_left_out_is_asked_for_alone() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers("UID FETCH .*BODY.*", atFirst(1, usual -> without(usual, 5)));
        account.server.inbox().add("a");
        account.server.inbox().add("b");
        account.server.inbox().add("c");

        account.pass();

        assertNothingLost(6);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void a_message_that_is_left_out_for_ten_minutes_is_deferred_and_arrives(int messages) {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers("UID FETCH .*BODY.*", usual -> without(usual, 4));
        for (int i = 0; i < messages; i++) {
            account.server.inbox().add("late" + i);
        }

        account.pass();

        assertThat(account.inbox()).hasSize(3 + messages - 1);
        assertThat(account.notRead("deferred")).isEqualTo("4");
        for (int minute = 0; minute < 10; minute++) {
            account.passAfter(Duration.ofMinutes(1));
        }
        assertThat(account.notRead("deferred")).isEqualTo("4");
        account.server.behavesAgain();
        account.passAfter(Duration.ofMinutes(2));
        assertNothingLost(3 + messages);
    }

    @ParameterizedTest
    @CsvSource({"4,1", "4,5", "30,1", "30,3"})
    void an_answer_without_any_data_says_nothing(int messages, int answers) {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers("UID FETCH .*BODY.*", atFirst(answers, usual -> "TAG OK done\r\n"));
        for (int i = 0; i < messages; i++) {
            account.server.inbox().add("late" + i);
        }

        account.pass();
        account.passAfter(Duration.ofMinutes(1));

        assertNothingLost(3 + messages);
    }

    @Test
    void a_server_that_lists_everything_and_returns_nothing_is_tried_later() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers("UID FETCH .*BODY.*", usual -> "TAG OK done\r\n");
        for (int i = 0; i < 30; i++) {
            account.server.inbox().add("late" + i);
        }
        account.fetcher.requestSync(account.account.accountId());
        await().atMost(SOON)
                .until(
                        () -> account.account.read("select state from account_sync where account_id = ?"),
                        "backoff"::equals);

        account.server.behavesAgain();

        await().atMost(SOON).until(() -> account.inbox().size() == 33);
        account.pass();
        assertNothingLost(33);
    }

    @Test
    void expungeissued_says_that_some_are_gone_and_not_which() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers(
                "UID FETCH .*BODY.*",
                atFirst(
                        1,
                        usual -> without(usual, 5)
                                .replaceAll("TAG OK.*", "TAG NO [EXPUNGEISSUED] Some messages are gone")));
        account.server.inbox().add("a");
        account.server.inbox().add("b");
        account.server.inbox().add("c");
        account.server.inbox().expunge(6);

        account.pass();

        assertNothingLost(5);
    }

    @Test
    void a_message_in_two_responses_is_one_message() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers(
                "UID FETCH .*BODY.*",
                usual -> usual.replaceAll(
                        "\\* (\\d+) FETCH \\(UID (\\d+) (FLAGS \\([^)]*\\)) ",
                        "* $1 FETCH (UID $2 $3)\r\n* $1 FETCH (UID $2 "));
        account.server.inbox().add("a".getBytes(StandardCharsets.US_ASCII), "\\Seen");
        account.server.inbox().add("b");

        account.pass();

        assertNothingLost(5);
        assertThat(account.inbox()).contains("4  $seen");
    }

    @Test
    void lines_between_a_literal_and_the_parenthesis_are_counted_and_the_message_is_kept() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        account.server.answers(
                "UID FETCH .*BODY.*",
                usual -> usual.replaceAll(
                        "text\r\n\\)\r\n", "text\r\n\r\nsomething\r\n* 2 EXPUNGE\r\n* 1 EXISTS\r\n)\r\n"));
        account.server.inbox().add("a");
        account.server.inbox().add("b");

        account.pass();

        assertNothingLost(5);
        assertThat(account.fetcher.strayLines()).isEqualTo(8);
    }

    // ---- SEARCH

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TAG NO later",
                "TAG BAD what?",
                "* SEARCH\r\nTAG OK found",
                "* SEARCH\r\nTAG NO [UNAVAILABLE] broke off"
            })
    void a_search_that_fails_or_finds_nothing_is_no_empty_mailbox(String answer) {
        QuirkyImapServer server = server(PLAIN, 20);
        server.answers("UID SEARCH.*", usual -> answer + "\r\n");
        account = new QuirkyAccount(server);
        account.fetcher.requestSync(account.account.accountId());
        await().atMost(SOON).until(() -> server.heard().stream().anyMatch(line -> line.startsWith("UID SEARCH")));

        server.behavesAgain();

        await().atMost(SOON).until(() -> {
            account.fetcher.requestSync(account.account.accountId());
            account.fetcher.clock.pass(Duration.ofMinutes(1));
            return account.inbox().size() == 20;
        });
        account.awaitSynced();
        assertNothingLost(20);
    }

    @ParameterizedTest
    @CsvSource({"1200,100", "1200,1199"})
    void a_search_that_ends_early_without_saying_so_is_repeated_in_windows(int messages, int searchMax) {
        QuirkyImapServer server = server(PLAIN, messages);
        server.searchMax(searchMax);

        account = QuirkyAccount.synced(server);

        assertNothingLost(messages);
        server.inbox().expunge(7);
        account.pass();
        assertThat(account.inbox()).hasSize(messages - 1).noneMatch(line -> line.startsWith("7 "));
    }

    @Test
    void what_a_search_left_out_is_not_gone_if_a_fetch_returns_it() {
        account = QuirkyAccount.synced(server(PLAIN, 10));
        // The count agrees: as many messages are listed as there are.
        account.server.answers("UID SEARCH.*", usual -> usual.replace("* SEARCH 1 2 3 4 ", "* SEARCH 1 2 4 "));
        account.server.answers("EXAMINE.*", usual -> usual.replace("* 11 EXISTS", "* 10 EXISTS"));
        account.server.answers("LIST.*", usual -> usual.replace("MESSAGES 11", "MESSAGES 10"));
        account.server.inbox().add("new");

        account.pass();

        assertNothingLost(11);
    }

    // ---- Numbers

    @Test
    void a_uidnext_below_what_is_listed_is_wrong() {
        QuirkyImapServer server = server(PLAIN, 3);
        server.answers("LIST.*", usual -> usual.replaceAll("UIDNEXT \\d+", "UIDNEXT 2"));
        server.answers("EXAMINE.*", usual -> usual.replaceAll("\\[UIDNEXT \\d+]", "[UIDNEXT 2]"));

        account = QuirkyAccount.synced(server);

        assertNothingLost(3);
        server.inbox().add("new");
        account.pass();
        assertNothingLost(4);
        server.inbox().expunge(2);
        server.inbox().add("newer");
        account.pass();
        assertThat(account.inbox()).hasSize(4).anyMatch(line -> line.startsWith("5 "));
    }

    @Test
    void a_uidnext_that_lags_behind_the_arrivals_hides_none() {
        account = QuirkyAccount.synced(server(PLAIN, 3));
        account.server.answers("LIST.*", usual -> usual.replaceAll("UIDNEXT \\d+", "UIDNEXT 5"));
        account.server.answers("EXAMINE.*", usual -> usual.replaceAll("\\[UIDNEXT \\d+]", "[UIDNEXT 5]"));
        account.server.inbox().add("a");
        account.server.inbox().add("b");
        account.server.inbox().add("c");

        account.pass();
        account.pass();

        assertNothingLost(6);
    }

    @Test
    void where_status_gives_no_numbers_those_of_what_is_stored_are_shown() {
        QuirkyImapServer server = server(PLAIN, 3);
        server.answers("(LIST|STATUS).*", usual -> usual.replaceAll("(\\* STATUS \"[^\"]*\") \\([^)]*\\)", "$1 ()"));
        account = QuirkyAccount.synced(server);
        server.inbox().flag(2, "\\Seen");
        server.inbox().add("new");
        account.passAfter(Duration.ofMinutes(3));

        assertNothingLost(4);
        await().atMost(SOON).untilAsserted(() -> {
            account.passAfter(Duration.ofMinutes(3));
            assertThat(
                            account.account.read(
                                    "select total_emails || ' ' || unread_emails from mailbox where raw_name = 'INBOX' and account_id = ?"))
                    .isEqualTo("4 3");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1", "100", "90000000", "-1"})
    void a_wrong_size_neither_cuts_a_message_nor_is_shown(String size) {
        account = QuirkyAccount.synced(server(PLAIN, 1));
        account.server.answers(
                "UID FETCH .*BODY.*", usual -> usual.replaceAll("RFC822.SIZE \\d+", "RFC822.SIZE " + size));
        String large = "Message-ID: <large@example.org>\r\n\r\n" + "0123456789abcde\r\n".repeat(5000) + "the end\r\n";
        account.server.inbox().add(large.getBytes(StandardCharsets.US_ASCII));
        account.server.inbox().add("small");

        account.pass();

        assertNothingLost(3);
        assertThat(account.account.read("select size from email where message_id like 'small%' and account_id = ?"))
                .isEqualTo(account.account
                        .read("select size from email where message_id like 'm1%' and account_id = ?")
                        .transform(m1 -> String.valueOf(Long.parseLong(m1) + 2 * ("small".length() - "m1".length()))));
        assertThat(account.account.read("""
                        select case when b.body is null then 'none' else b.body -> 'bodyValues' -> '1' ->> 'isTruncated' end
                        from email e left join email_body b using (account_id, email_id)
                        where e.message_id like 'large%' and e.account_id = ?""")).isIn("true", "none");
        if (Long.parseLong(size) >= 0 && Long.parseLong(size) <= 100) {
            assertThat(account.account.read("select size from email where message_id like 'large%' and account_id = ?"))
                    .isEqualTo(String.valueOf(large.length()));
        }
    }

    // ---- Confirmation

    @Test
    void a_mailbox_that_is_refused_confirms_no_mutation() {
        account = QuirkyAccount.synced(server(PLAIN, 3));
        String mutation = appliedMutation();
        account.server.answers("EXAMINE .*", usual -> "TAG NO not now\r\n");
        account.server.inbox().add("meanwhile");

        account.pass();
        assertThat(state(mutation)).isEqualTo("applied");

        account.server.behavesAgain();
        account.passAfter(Duration.ofMinutes(2));
        assertThat(state(mutation)).isEqualTo("confirmed");
    }

    @Test
    void a_requested_pass_sees_what_a_mutation_changed_in_a_mailbox_without_mod_sequences() {
        QuirkyImapServer server = server(PLAIN, 3);
        server.mailbox("Other", "").add("other");
        account = QuirkyAccount.synced(server);
        account.pass();
        String mutation = appliedMutation("other@example.org");
        server.mailbox("Other", "").mails.get(1L).flags.add("\\Flagged");

        account.pass();

        assertThat(state(mutation)).isEqualTo("confirmed");
        assertThat(account.mailbox("Other")).containsExactly("1 other@example.org $flagged");
    }

    private String appliedMutation() {
        return appliedMutation("m1@example.org");
    }

    /** A mutation that outbound-service has applied in the pass before. */
    private String appliedMutation(String messageId) {
        account.account.update("""
                insert into pending_changes (account_id, tenant_id, email_id, kind, patch, state, applied_pass)
                select account_id, tenant_id, email_id, 'update', '{"keywords": {"$flagged": true}}', 'applied',
                       (select number from sync_pass p where p.account_id = e.account_id)
                from email e where message_id = ?""", messageId);
        return account.account.read("select mutation_id from pending_changes where account_id = ?");
    }

    private String state(String mutation) {
        return account.account.read(
                "select state from pending_changes where mutation_id = '" + mutation + "' and account_id = ?");
    }
}
