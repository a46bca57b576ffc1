package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.fetcher.imap.QuirkyAccount.QRESYNC;
import static org.postbus.fetcher.imap.QuirkyAccount.SOON;
import static org.postbus.fetcher.imap.QuirkyAccount.server;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.devstack.postgres.Role;

/** Servers that refuse messages: for a while, and for ever. The clock is the test's. */
class RefusedMessagesTest {
    private static final Pattern FETCHED = Pattern.compile("FETCH \\(UID (\\d+) ");

    private QuirkyAccount account;

    @AfterEach
    void stop() throws Exception {
        account.close();
    }

    private void refuse(String answer, Set<Long> uids) {
        account.server.answers(
                "UID FETCH .*BODY.*",
                usual -> FETCHED.matcher(usual)
                                .results()
                                .map(found -> Long.parseLong(found.group(1)))
                                .anyMatch(uids::contains)
                        ? "TAG " + answer + "\r\n"
                        : usual);
    }

    private void refuseEverything(String answer) {
        account.server.answers("UID FETCH .*BODY.*", usual -> "TAG " + answer + "\r\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NO System Error | 1",
                "NO System Error | 7",
                "NO [UNAVAILABLE] UID FETCH Server error - Please try again later | 3",
                "NO Server Busy | 2",
                "NO Internal error | 7",
                "NO [INUSE] Mailbox is locked | 1",
                "BAD Internal error | 2"
            })
    void nothing_is_quarantined_when_the_server_refuses_everything_for_ten_minutes(String answer, int messages) {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        refuseEverything(answer);
        for (int i = 0; i < messages; i++) {
            account.server.inbox().add("late" + i);
        }

        account.pass();
        account.server.heard();
        int minutes = 10;
        for (int minute = 0; minute < minutes; minute++) {
            account.passAfter(Duration.ofMinutes(1));
        }

        assertThat(account.notRead("quarantined")).isEmpty();
        assertThat(account.inbox()).hasSize(3);
        List<String> fetches = account.server.heard().stream()
                .filter(command -> command.startsWith("UID FETCH"))
                .toList();
        assertThat(fetches)
                .as("each is tried about every other minute, with one more to see whether others are returned")
                .hasSizeBetween(messages, minutes * (messages + 1));

        account.server.behavesAgain();
        account.passAfter(Duration.ofMinutes(2));

        assertThat(account.inbox()).hasSize(3 + messages);
        assertThat(account.count("quarantined_message")).isZero();
        assertThat(account.emailChanges("email.destroyed")).isEqualTo("0");
    }

    @Test
    void the_mailbox_goes_on_without_the_refused_message_and_the_deferred_ones_outlive_the_fetcher() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        refuse("NO System Error", Set.of(4L));
        account.server.inbox().add("refused");
        account.server.inbox().add("other");

        account.pass();

        assertThat(account.inbox()).hasSize(4).anyMatch(line -> line.startsWith("5 "));
        assertThat(account.notRead("deferred")).isEqualTo("4");
        assertThat(account.account.read(
                        "select cursor ->> 'uidNext' from sync_state where scope like '%INBOX' and account_id = ?"))
                .isEqualTo("6");

        account.restart();
        account.server.inbox().add("after the restart");
        account.pass();
        assertThat(account.inbox()).hasSize(5);
        account.server.behavesAgain();
        account.passAfter(Duration.ofMinutes(2));

        assertThat(account.inbox()).hasSize(6).anyMatch(line -> line.startsWith("4 refused@"));
        assertThat(account.count("quarantined_message")).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"NO Please try again later", "NO [SERVERBUG] cannot read a message", "BAD what?"})
    void one_message_that_is_always_refused_is_quarantined_after_a_time_and_tried_again_at_growing_intervals(
            String answer) {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        refuse(answer, Set.of(20L));
        for (int i = 0; i < 40; i++) {
            account.server.inbox().add("late" + i);
        }

        account.pass();
        assertThat(account.inbox()).as("the others are stored within seconds").hasSize(42);
        for (int minute = 1; minute < 20; minute++) {
            account.passAfter(Duration.ofMinutes(1));
        }
        assertThat(account.notRead("deferred")).isEqualTo("20");
        for (int minute = 20; minute < 25; minute++) {
            account.passAfter(Duration.ofMinutes(1));
        }
        assertThat(account.notRead("quarantined")).isEqualTo("20");
        assertThat(account.account.read("select reason from quarantined_message where account_id = ?"))
                .isEqualTo(answer);

        assertThat(triesIn(Duration.ofMinutes(50))).isZero();
        assertThat(triesIn(Duration.ofMinutes(11))).isEqualTo(1);
        assertThat(triesIn(Duration.ofHours(5))).isZero();
        assertThat(triesIn(Duration.ofMinutes(65))).isEqualTo(1);
        assertThat(triesIn(Duration.ofHours(23))).isZero();
        assertThat(triesIn(Duration.ofMinutes(65))).isEqualTo(1);
        account.server.behavesAgain();
        account.passAfter(Duration.ofHours(25));

        assertThat(account.inbox()).hasSize(43);
        assertThat(account.count("quarantined_message")).isZero();
    }

    private long triesIn(Duration time) {
        account.server.heard();
        account.passAfter(time);
        return account.server.heard().stream()
                .filter(command -> command.matches("UID FETCH 20 .*"))
                .count();
    }

    @Test
    void a_message_is_not_the_cause_while_the_server_returns_no_other() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        refuseEverything("NO System Error");
        account.server.inbox().add("late");

        account.pass();
        for (int i = 0; i < 12; i++) {
            account.passAfter(Duration.ofMinutes(10));
        }

        assertThat(account.notRead("deferred")).isEqualTo("4");
        assertThat(account.account.read("select refusals from quarantined_message where account_id = ?"))
                .isEqualTo("0");
    }

    private void quarantine() {
        account = QuirkyAccount.synced(server(QRESYNC, 3));
        refuse("NO cannot read it", Set.of(4L));
        account.server.inbox().add("bad");
        account.pass();
        for (int minute = 0; minute < 25; minute++) {
            account.passAfter(Duration.ofMinutes(1));
        }
        assertThat(account.notRead("quarantined")).isEqualTo("4");
    }

    @Test
    void a_quarantined_message_is_tried_again_on_request() throws Exception {
        quarantine();
        account.server.behavesAgain();
        account.pass();
        assertThat(account.inbox()).hasSize(3);

        try (Connection gateway = account.fetcher.database.connect(Role.GATEWAY)) {
            gateway.setAutoCommit(false);
            try (PreparedStatement tenant = gateway.prepareStatement("select set_config('app.tenant', ?, true)")) {
                tenant.setString(1, account.account.tenantId().toString());
                tenant.executeQuery();
            }
            try (PreparedStatement retry = gateway.prepareStatement(
                    "select retry_quarantined(account_id, quarantine_id) from quarantined_message")) {
                retry.executeQuery();
            }
            gateway.commit();
        }
        account.pass();

        assertThat(account.inbox()).hasSize(4);
        assertThat(account.count("quarantined_message")).isZero();
    }

    @Test
    void a_quarantined_message_is_tried_again_in_a_full_pass() {
        quarantine();
        account.server.behavesAgain();
        account.account.update(
                "update account_sync set full_pass_wanted = true where account_id = ?",
                account.account.accountId().value());

        account.restart();

        assertThat(account.inbox()).hasSize(4);
        account.pass();
        assertThat(account.count("quarantined_message")).isZero();
    }

    @Test
    void a_quarantined_message_that_is_expunged_is_forgotten() {
        quarantine();
        account.server.inbox().expunge(4);

        account.pass();

        assertThat(account.count("quarantined_message")).isZero();
        assertThat(account.inbox()).hasSize(3);
    }

    @Test
    void a_message_that_breaks_the_connection_delays_no_other_and_is_quarantined_after_a_time() {
        QuirkyImapServer server = server(QRESYNC, 20);
        server.answers("UID FETCH .*BODY.*", usual -> {
            int at = usual.indexOf("UID 7 ");
            return at < 0 ? usual : usual.substring(0, usual.lastIndexOf("* ", at)) + QuirkyImapServer.HANG_UP;
        });
        account = QuirkyAccount.synced(server);

        assertThat(account.inbox()).hasSize(19).noneMatch(line -> line.startsWith("7 "));
        assertThat(account.notRead("deferred")).isEqualTo("7");
        for (int i = 0; i < 8; i++) {
            account.passAfter(Duration.ofMinutes(5));
        }

        await().atMost(SOON).until(() -> account.notRead("quarantined").equals("7"));
        server.behavesAgain();
        account.passAfter(Duration.ofHours(2));
        assertThat(account.inbox()).hasSize(20);
    }

    @Test
    void a_mailbox_in_which_many_messages_are_refused_for_ever_is_read_all_the_same() {
        QuirkyImapServer server = server(QRESYNC, 60);
        server.answers("UID FETCH .*BODY.*", usual -> {
            Matcher fetched = FETCHED.matcher(usual);
            while (fetched.find()) {
                long uid = Long.parseLong(fetched.group(1));
                if (uid > 20 && uid <= 32) {
                    return "TAG NO cannot read it\r\n";
                }
            }
            return usual;
        });

        account = QuirkyAccount.synced(server);

        assertThat(account.inbox()).hasSize(48);
        assertThat(account.notRead("deferred").split(" ")).hasSize(12);
    }

    @Test
    void a_uidvalidity_of_more_than_32_bits_is_no_reason_to_quarantine() {
        QuirkyImapServer server = server(QRESYNC, 3);
        server.inbox().uidValidity = 5_000_000_000L;
        account = QuirkyAccount.synced(server);
        server.inbox().flag(2, "\\Seen");
        server.inbox().expunge(1);
        server.inbox().add("new");

        account.pass();

        assertThat(account.inbox()).hasSize(3).contains("2 m2@example.org $seen");
        assertThat(account.count("quarantined_message")).isZero();
    }

    @Test
    void a_date_beyond_the_year_9999_is_stored_as_the_end_of_time() {
        QuirkyImapServer server = server(QRESYNC, 3);
        server.answers(
                "UID FETCH .*BODY.*",
                usual -> usual.replaceFirst("INTERNALDATE \"[^\"]*\"", "INTERNALDATE \"01-Jan-12345 00:00:00 +0000\"")
                        .replaceAll(
                                "(UID 2 .*?)INTERNALDATE \"[^\"]*\"", "$1INTERNALDATE \"31-Dec-9999 23:59:59 -1200\""));

        account = QuirkyAccount.synced(server);

        assertThat(account.inbox()).hasSize(3);
        assertThat(account.account.read("select string_agg(message_id, ' ' order by received_at desc, message_id)"
                        + " from email where account_id = ?"))
                .isEqualTo("m1@example.org m2@example.org m3@example.org");
        assertThat(account.account.read("select max(received_at)::text from email where account_id = ?"))
                .startsWith("9999-12-31");
    }
}
