package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.Sessions;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.observation.Observation;

/** How the sync handles real servers: answers that are late, incomplete, wrong or refused. */
class ServerQuirksTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final Duration POLL = Duration.ofMinutes(10);
    private static final String[] ALL = {
        "CONDSTORE", "QRESYNC", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT", "ESEARCH"
    };
    private static final String[] CONDSTORE = {"CONDSTORE", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT"};
    private static final String[] NOTHING = {};

    private QuirkyImapServer server;
    private FetcherUnderTest fetcher;
    private TestAccount account;

    private Duration compareEvery = Duration.ofDays(1);
    private final List<Sessions.Renewal> renewals = new CopyOnWriteArrayList<>();
    private Sessions sessions = new Sessions(Duration.ofHours(1), Duration.ZERO, renewals::add);
    private final List<AutoCloseable> started = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable each : started.reversed()) {
            each.close();
        }
    }

    // ---- QRESYNC

    @Test
    void a_server_whose_qresync_reports_no_flags_is_asked_for_them() throws Exception {
        start(ALL, 10);
        server.answers("EXAMINE .*QRESYNC.*", answer -> answer.replaceAll("\\* \\d+ FETCH [^\r]*\r\n", ""));
        server.inbox().flag(3, "\\Flagged");
        server.inbox().add("at the same time");

        pass();

        assertThat(inbox()).hasSize(11).contains("3 m3@example.org $flagged");
    }

    @Test
    void with_qresync_flags_and_deletions_come_with_the_select_alone() throws Exception {
        start(ALL, 40);
        server.inbox().flag(3, "\\Flagged");
        server.inbox().expunge(7);
        server.inbox().expunge(8);
        server.heard();

        pass();

        assertThat(inbox()).hasSize(38).contains("3 m3@example.org $flagged").noneMatch(line -> line.startsWith("7 "));
        assertThat(server.heard()).noneMatch(command -> command.startsWith("UID"));
    }

    @Test
    void vanished_may_name_uids_that_never_existed() throws Exception {
        start(ALL, 10);
        server.answers(
                "EXAMINE .*QRESYNC.*",
                answer -> answer.replaceAll("(VANISHED \\(EARLIER\\)) [0-9,]+", "$1 4,11:4294967295"));
        server.inbox().expunge(4);

        pass();

        assertThat(inbox()).hasSize(9);
        UidsGone gone = vanished();
        assertThat(gone.uids()).isEqualTo("4");
    }

    @Test
    void an_expunge_that_qresync_did_not_report_is_found_by_counting() throws Exception {
        start(ALL, 10);
        server.answers("EXAMINE .*QRESYNC.*", answer -> answer.replaceAll("\\* VANISHED [^\r]*\r\n", ""));
        server.inbox().expunge(4);

        pass();

        assertThat(inbox()).hasSize(9);
    }

    @Test
    void a_server_that_refuses_qresync_is_compared() throws Exception {
        start(ALL, 10);
        server.answers("EXAMINE .*QRESYNC.*", answer -> "TAG BAD no\r\n");
        server.inbox().expunge(4);
        server.inbox().flag(5, "\\Seen");

        pass();

        assertThat(inbox()).hasSize(9).contains("5 m5@example.org $seen");
    }

    // ---- Unreliable mod-sequences

    @Test
    void a_decreased_mod_sequence_makes_everything_be_compared() throws Exception {
        for (String[] capabilities : List.of(ALL, CONDSTORE)) {
            start(capabilities, 2500);
            server.inbox().flag(2, "\\Flagged");
            server.inbox().expunge(5);
            // As after a restore from a backup.
            server.inbox().modSeq = 3;
            server.inbox().mails.values().forEach(mail -> mail.modSeq = 2);
            server.inbox().expunged.clear();

            pass();

            assertThat(inbox()).hasSize(2499).contains("2 m2@example.org $flagged");
        }
    }

    @Test
    void a_mailbox_without_mod_sequences_that_gets_them_is_compared_once_whole() throws Exception {
        server = server(CONDSTORE, 2500);
        server.answers("LIST.*", answer -> answer.replaceAll(" HIGHESTMODSEQ \\d+", " HIGHESTMODSEQ 0"));
        server.answers("EXAMINE.*", answer -> answer.replaceAll("\\[HIGHESTMODSEQ \\d+]", "[NOMODSEQ]"));
        start();
        server.inbox().flag(2, "\\Flagged");
        server.behavesAgain();

        pass();

        assertThat(inbox()).contains("2 m2@example.org $flagged");
    }

    @Test
    void an_empty_mailbox_with_mod_sequence_0_is_not_read_again_and_again() throws Exception {
        server = server(CONDSTORE, 0);
        server.answers("LIST.*", answer -> answer.replaceAll(" HIGHESTMODSEQ \\d+", " HIGHESTMODSEQ 0"));
        server.answers("EXAMINE.*", answer -> answer.replaceAll("\\[HIGHESTMODSEQ \\d+]", "[HIGHESTMODSEQ 0]"));
        start();
        pass();
        server.heard();

        pass();

        assertThat(server.heard()).allMatch(command -> command.startsWith("LIST") || command.startsWith("IDLE"));
    }

    @Test
    void a_server_that_sends_mod_sequences_without_the_capability_is_not_asked_for_them() throws Exception {
        start(new String[] {"LIST-EXTENDED", "LIST-STATUS", "UNSELECT"}, 5);
        server.heard();
        server.inbox().flag(2, "\\Seen");

        pass();

        assertThat(inbox()).contains("2 m2@example.org $seen");
        assertThat(server.heard())
                .noneMatch(command -> command.contains("CONDSTORE")
                        || command.contains("MODSEQ")
                        || command.contains("CHANGEDSINCE"));
    }

    @Test
    void a_change_without_a_new_mod_sequence_is_found_once_a_day() throws Exception {
        for (String[] capabilities : List.of(ALL, CONDSTORE)) {
            server = server(capabilities, 30);
            server.mailbox("Empty", "");
            server.mailbox("Other", "").add("other");
            compareEvery = Duration.ofSeconds(2);
            start();
            server.inbox().mails.get(3L).flags.add("\\Flagged");
            server.mailbox("Other", "").mails.get(1L).flags.add("\\Seen");
            // As many messages arrive as vanish, so the numbers agree.
            account.update("""
                    delete from email_mailbox where account_id = (select account_id from account_sync where account_id = ? for update)
                    and uid = 7""", account.accountId().value());
            server.inbox().mails.remove(9L);

            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(inbox())
                            .hasSize(29)
                            .contains("3 m3@example.org $flagged")
                            .anyMatch(line -> line.startsWith("7 "))
                            .noneMatch(line -> line.startsWith("9 ")));
            await().atMost(SOON)
                    .until(() -> DirectWriter.content(fetcher.database, account.accountId(), true)
                            .get("Other")
                            .contains("1 other@example.org $seen"));
            fetcher.writer.assertNoBreach();
        }
    }

    @Test
    void icloud_is_asked_for_mod_sequences_and_never_for_qresync() throws Exception {
        // ENABLE reports nothing as enabled, and the QRESYNC answers cannot be trusted.
        server = server(
                new String[] {"CONDSTORE", "QRESYNC", "ENABLE", "XAPPLELITERAL", "IDLE", "UIDPLUS", "ID", "ESEARCH"},
                10);
        server.answers("ENABLE .*", answer -> "TAG OK done\r\n");
        server.answers("EXAMINE .*QRESYNC.*", answer -> "* VANISHED (EARLIER) 1:10\r\n" + answer);
        start();
        server.heard();
        server.inbox().flag(2, "\\Seen");
        server.inbox().expunge(5);
        server.inbox().add("new");

        pass();

        assertThat(inbox()).hasSize(10).contains("2 m2@example.org $seen").noneMatch(line -> line.startsWith("5 "));
        assertThat(server.heard())
                .noneMatch(command -> command.contains("QRESYNC"))
                .anyMatch(command -> command.contains("CHANGEDSINCE"));
    }

    @Test
    void a_mailbox_that_keeps_no_mod_sequences_among_others_that_do_is_compared() throws Exception {
        server = server(CONDSTORE, 5);
        server.mailbox("Old", "").add("old");
        server.answers(
                "LIST.*", answer -> answer.replaceAll("(\"Old\" [^\r]*) HIGHESTMODSEQ \\d+", "$1 HIGHESTMODSEQ 0"));
        server.answers("EXAMINE .*Old.*", answer -> answer.replaceAll("\\[HIGHESTMODSEQ \\d+]", "[NOMODSEQ]"));
        start();
        server.heard();
        server.mailbox("Old", "").flag(1, "\\Seen");

        pass();

        assertThat(DirectWriter.content(fetcher.database, account.accountId(), true)
                        .get("Old"))
                .containsExactly("1 old@example.org $seen");
        assertThat(server.heard()).noneMatch(command -> command.contains("CHANGEDSINCE"));
    }

    // ---- Reported once

    @Test
    void what_vanishes_during_another_command_is_published() throws Exception {
        start(CONDSTORE, 10);
        server.answers("UID FETCH .*BODY.*", answer -> {
            if (server.inbox().mails.containsKey(3L)) {
                server.inbox().mails.remove(3L);
                return "* VANISHED 3\r\n" + answer;
            }
            return answer;
        });
        server.inbox().add("late");

        pass();

        assertThat(inbox()).hasSize(10).noneMatch(line -> line.startsWith("3 "));
    }

    @Test
    void what_arrives_during_a_pass_is_read_without_waiting() throws Exception {
        start(ALL, 3);
        boolean[] more = {true};
        server.answers("UID FETCH .*BODY.*", answer -> {
            if (more[0]) {
                more[0] = false;
                server.inbox().add("meanwhile");
                return answer.replace("TAG OK", "* 5 EXISTS\r\nTAG OK");
            }
            return answer;
        });
        server.inbox().add("first");

        pass();

        await().atMost(SOON).until(() -> inbox().size() == 5);
    }

    @Test
    void the_newest_mail_is_read_first() throws Exception {
        start(NOTHING, 1200);

        List<Long> order = fetcher.writer.observations().stream()
                .filter(Observation.EmailObserved.class::isInstance)
                .map(observation -> ((org.postbus.observation.EmailRef.ImapMessage)
                                ((Observation.EmailObserved) observation).ref())
                        .uid())
                .toList();

        assertThat(order.subList(0, 500)).allMatch(uid -> uid > 700);
        assertThat(order.subList(1000, 1200)).allMatch(uid -> uid <= 200);
    }

    // ---- Mistakes of the server lose nothing

    @Test
    void a_uid_list_that_is_empty_short_or_refused_deletes_nothing() throws Exception {
        List<java.util.function.UnaryOperator<String>> mistakes = List.of(
                answer -> "* SEARCH\r\nTAG OK found\r\n",
                answer -> "* SEARCH 1 2 3\r\nTAG OK found\r\n",
                answer -> "TAG NO [SERVERBUG] later\r\n",
                answer -> "* SEARCH 1 2 3\r\nTAG NO [UNAVAILABLE] broke off\r\n");
        for (java.util.function.UnaryOperator<String> mistake : mistakes) {
            start(NOTHING, 20);
            server.answers("UID SEARCH.*", mistake);
            server.inbox().expunge(9);
            server.heard();

            fetcher.requestSync(account.accountId());
            await().atMost(SOON).until(() -> server.heard().stream().anyMatch(line -> line.startsWith("UID SEARCH")));
            fetcher.requestSync(account.accountId());
            await().pollDelay(Duration.ofMillis(500)).until(() -> count("email") == 20);
            server.behavesAgain();
            await().atMost(SOON).until(() -> {
                fetcher.requestSync(account.accountId());
                return inbox().size() == 19;
            });
        }
    }

    @Test
    void a_list_of_mailboxes_that_is_empty_or_lacks_the_inbox_deletes_nothing() throws Exception {
        List<java.util.function.UnaryOperator<String>> mistakes = List.of(
                answer -> "TAG OK\r\n", answer -> answer.replaceAll("\\* (LIST|STATUS)[^\r]*INBOX[^\r]*\r\n", ""));
        for (java.util.function.UnaryOperator<String> mistake : mistakes) {
            server = server(ALL, 5);
            server.mailbox("Kept", "").add("kept");
            server.mailbox("Other", "").add("other");
            start();
            server.answers("LIST.*", mistake);
            server.remove("Other");

            pass();
            pass();

            assertThat(count("mailbox")).isEqualTo(3);
            assertThat(count("email")).isEqualTo(7);
        }
    }

    @Test
    void a_copy_whose_original_vanishes_while_it_is_read_is_a_move() throws Exception {
        QuirkyImapServer.Mailbox archive =
                copiedIntoTheArchive(() -> server.inbox().expunge(3));

        assertThat(changesSince).isEqualTo("email.updated");
        assertThat(inbox()).hasSize(4);
        assertThat(archive.mails).hasSize(1);
    }

    @Test
    void a_copy_whose_original_stays_is_another_email() throws Exception {
        copiedIntoTheArchive(() -> {});

        assertThat(changesSince).isEqualTo("email.created");
        assertThat(inbox()).hasSize(5);
    }

    private String changesSince;

    /** @param meanwhile runs once the pass has asked for the copy's content */
    private QuirkyImapServer.Mailbox copiedIntoTheArchive(Runnable meanwhile) throws Exception {
        server = server(ALL, 5);
        QuirkyImapServer.Mailbox archive = server.mailbox("Archive", "");
        archive.add("old");
        start();
        archive.expunge(1);
        pass();
        pass();
        String seq = account.read("select change_seq from account_sync where account_id = ?");
        server.answers("UID FETCH .*BODY.*", answer -> {
            meanwhile.run();
            return answer;
        });

        archive.add(server.inbox().mails.get(3L).raw);
        await().atMost(SOON).until(() -> {
            pass();
            return DirectWriter.content(fetcher.database, account.accountId(), true)
                            .getOrDefault("Archive", List.of())
                            .size()
                    == 1;
        });
        pass();
        pass();
        changesSince =
                account.read("select string_agg(type, ' ' order by seq) from change_log where account_id = ? and seq > "
                        + seq + " and type like 'email.%'");
        return archive;
    }

    // ---- Unreadable messages

    @Test
    void what_was_returned_before_a_refusal_is_kept() throws Exception {
        server = server(ALL, 100);
        server.answers("UID FETCH .*BODY.*", answer -> {
            int bad = answer.indexOf("FETCH (UID 33 ");
            return bad < 0
                    ? answer
                    : answer.substring(0, answer.lastIndexOf("* ", bad))
                            + "TAG NO [SERVERBUG] cannot read a message\r\n";
        });
        start();

        assertThat(inbox()).hasSize(99).noneMatch(line -> line.startsWith("33 "));
        assertThat(count("quarantined_message")).isEqualTo(1);
    }

    @Test
    void a_server_that_returns_no_message_is_retried_and_nothing_is_quarantined() throws Exception {
        start(ALL, 3);
        server.answers("UID FETCH .*BODY.*", answer -> "TAG NO [UNAVAILABLE] not now\r\n");
        for (int i = 0; i < 40; i++) {
            server.inbox().add("late" + i);
        }
        fetcher.requestSync(account.accountId());
        await().atMost(SOON)
                .until(() -> account.read("select state from account_sync where account_id = ?")
                        .equals("backoff"));

        server.behavesAgain();

        await().atMost(SOON).until(() -> inbox().size() == 43);
        assertThat(count("quarantined_message")).isZero();
    }

    // ---- Sessions

    @Test
    void a_session_that_lists_a_mailbox_and_denies_it_is_replaced() throws Exception {
        server = server(ALL, 3);
        server.mailbox("Old", "").add("kept");
        start();
        String before = emailId("kept@example.org");
        server.spoilLists("INBOX", "Old");
        server.rename("Old", "New");

        pass();

        assertThat(mailboxes()).containsExactly("INBOX", "New");
        assertThat(emailId("kept@example.org")).isEqualTo(before);
        assertThat(renewals).containsExactly(Sessions.Renewal.CONTRADICTION);
    }

    @Test
    void a_mailbox_that_only_an_old_session_misses_does_not_vanish() throws Exception {
        server = server(ALL, 3);
        server.mailbox("Kept", "").add("kept");
        start();
        server.spoilLists("INBOX");

        pass();

        assertThat(mailboxes()).containsExactly("INBOX", "Kept");
        assertThat(fetcher.writer.observations()).noneMatch(Observation.MailboxVanished.class::isInstance);
    }

    @Test
    void what_an_old_session_never_lists_is_found_when_it_is_replaced() throws Exception {
        server = server(ALL, 3);
        sessions = new Sessions(Duration.ofSeconds(4), Duration.ZERO, renewals::add);
        start();
        server.spoilLists("INBOX");
        server.mailbox("New", "").add("new");

        await().atMost(SOON).untilAsserted(() -> {
            pass();
            assertThat(mailboxes()).containsExactly("INBOX", "New");
        });
        assertThat(renewals).contains(Sessions.Renewal.OUTDATED).doesNotContain(Sessions.Renewal.CONTRADICTION);
    }

    @Test
    void a_mailbox_to_which_access_is_denied_costs_no_session_for_each_pass() throws Exception {
        server = server(ALL, 3);
        server.mailbox("Denied", "");
        server.answers("LIST.*", answer -> answer.replaceAll("\\* STATUS \"Denied\"[^\r]*\r\n", "* NO denied\r\n"));
        server.answers("(STATUS|EXAMINE) \"?Denied.*", answer -> "TAG NO [NOPERM] denied\r\n");
        start();
        pass();
        server.heard();

        pass();
        pass();

        assertThat(server.heard()).isNotEmpty().doesNotContain("LOGIN");
    }

    // ---- Backoff

    @Test
    void a_sync_request_ends_the_backoff() throws Exception {
        start(ALL, 3);
        server.answers("LOGIN.*", answer -> "TAG NO [AUTHENTICATIONFAILED] not now\r\n");
        server.hangUp();
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).until(() -> account.read("""
                        select coalesce((state = 'backoff' and retry_at > now() + interval '15 seconds')::text, '')
                        from account_sync where account_id = ?"""), "true"::equals);
        server.behavesAgain();
        server.inbox().add("meanwhile");

        fetcher.requestSync(account.accountId());

        await().atMost(Duration.ofSeconds(12)).until(() -> inbox().size() == 4);
    }

    @Test
    void a_delay_that_the_server_asked_for_is_kept_despite_a_sync_request() throws Exception {
        start(ALL, 3);
        server.answers(
                "LIST.*", answer -> "TAG NO Request is throttled. Suggested Backoff Time: 12000 milliseconds\r\n");
        fetcher.requestSync(account.accountId());
        await().atMost(SOON)
                .until(() -> account.read("select state from account_sync where account_id = ?"), "backoff"::equals);
        server.heard();

        fetcher.requestSync(account.accountId());

        await().during(Duration.ofSeconds(7))
                .atMost(Duration.ofSeconds(8))
                .until(() -> server.heard().isEmpty());
    }

    private static String cutAt(String answer, String where) {
        return answer.substring(0, answer.lastIndexOf("* ", answer.indexOf(where))) + QuirkyImapServer.HANG_UP;
    }

    // ---- Steps

    private static QuirkyImapServer server(String[] capabilities, int messages) {
        QuirkyImapServer server = new QuirkyImapServer(capabilities);
        LongStream.rangeClosed(1, messages).forEach(uid -> server.inbox().add("m" + uid));
        return server;
    }

    private void start(String[] capabilities, int messages) {
        server = server(capabilities, messages);
        start();
    }

    private void start() {
        fetcher = new FetcherUnderTest(
                DevStack.postgres().freshDatabase(),
                compareEvery.compareTo(POLL) < 0 ? Duration.ofSeconds(1) : POLL,
                compareEvery,
                new HostBudget(20, 50, 1000),
                ImapOptions.DEFAULT,
                sessions);
        started.add(server);
        started.add(fetcher);
        account = fetcher.account(
                new AccountSettings.Imap(
                        "alice", new ServerAddress("127.0.0.1", server.port(), TlsMode.NONE), Optional.empty()),
                "secret");
        fetcher.start(account);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select state || initial_done from account_sync where account_id = ?"))
                        .isEqualTo("idletrue"));
        pass();
    }

    /** Waits for a whole pass that began after this call, and for those that follow it at once. */
    private void pass() {
        Instant now = Instant.now();
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).pollInterval(Duration.ofMillis(20)).until(() -> account.wasSyncedSince(now));
        fetcher.writer.assertNoBreach();
    }

    private List<String> mailboxes() {
        return List.copyOf(DirectWriter.content(fetcher.database, account.accountId(), true)
                .keySet());
    }

    private String emailId(String messageId) {
        return account.read("select string_agg(email_id::text, ' ') from email where account_id = ? and message_id = '"
                + messageId + "'");
    }

    private List<String> inbox() {
        return new ArrayList<>(DirectWriter.content(fetcher.database, account.accountId(), true)
                .getOrDefault("INBOX", List.of()));
    }

    private long count(String table) {
        return Long.parseLong(account.read("select count(*) from " + table + " where account_id = ?"));
    }

    private record UidsGone(String uids) {}

    private UidsGone vanished() {
        return new UidsGone(fetcher.writer.observations().stream()
                .filter(Observation.UidsVanished.class::isInstance)
                .flatMap(observation -> ((Observation.UidsVanished) observation).uids().stream())
                .map(range -> range.first() == range.last() ? "" + range.first() : range.first() + ":" + range.last())
                .collect(java.util.stream.Collectors.joining(",")));
    }
}
