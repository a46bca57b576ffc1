package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.TestAccount;
import org.postbus.mail.jmap.fake.FakeJmapServer;

/** JMAP servers that fail on an email, leave it out of their answers, or list without end. The clock is the test's. */
class RefusedEmailsTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private Vertx vertx;
    private FakeJmapServer server;
    private FetcherUnderTest fetcher;
    private TestAccount account;

    @BeforeEach
    void prepare() {
        vertx = Vertx.vertx();
        server = FakeJmapServer.start(vertx);
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofMinutes(10));
        account = fetcher.account(
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD);
    }

    @AfterEach
    void stop() throws Exception {
        fetcher.close();
        assertThat(server.complaints()).isEmpty();
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private void add(String id) {
        server.addEmail(id, "inbox-id", "2026-01-01T00:00:00Z", id, "text");
    }

    private void start(int emails) {
        IntStream.range(0, emails).forEach(number -> add("e" + number));
        fetcher.start(account);
        awaitSynced();
    }

    private void awaitSynced() {
        await().atMost(SOON)
                .until(
                        () -> account.read("select state || initial_done from account_sync where account_id = ?"),
                        "idletrue"::equals);
        pass();
    }

    private void pass() {
        Instant now = fetcher.clock.instant();
        fetcher.requestSync(account.accountId());
        await().atMost(SOON).until(() -> account.wasSyncedSince(now));
        fetcher.writer.assertNoBreach();
    }

    private void passAfter(Duration time) {
        fetcher.clock.pass(time);
        pass();
    }

    private String emails() {
        return account.read("select count(*) from email where account_id = ?");
    }

    private String notRead(String state) {
        return Optional.ofNullable(
                        account.read("select string_agg(jmap_id, ' ' order by jmap_id) from quarantined_email"
                                + " where state = '" + state + "' and account_id = ?"))
                .orElse("");
    }

    @Test
    void an_email_on_which_the_server_fails_is_deferred_and_later_quarantined_while_the_others_are_stored() {
        start(5);
        server.refuse(Set.of("bad"));
        IntStream.range(0, 60).forEach(number -> add("new" + number));
        add("bad");

        pass();
        assertThat(emails()).isEqualTo("65");
        assertThat(notRead("deferred")).isEqualTo("bad");
        for (int minute = 1; minute < 20; minute++) {
            passAfter(Duration.ofMinutes(1));
        }
        assertThat(notRead("deferred")).isEqualTo("bad");
        for (int minute = 20; minute < 25; minute++) {
            passAfter(Duration.ofMinutes(1));
        }
        assertThat(notRead("quarantined")).isEqualTo("bad");

        server.refuse(Set.of());
        passAfter(Duration.ofMinutes(61));
        pass();

        assertThat(emails()).isEqualTo("66");
        assertThat(account.read("select count(*) from quarantined_email where account_id = ?"))
                .isEqualTo("0");
    }

    @Test
    void an_email_on_which_the_server_fails_in_the_first_sync_does_not_stop_it() {
        server.refuse(Set.of("e3"));

        start(80);

        assertThat(emails()).isEqualTo("79");
        assertThat(notRead("deferred")).isEqualTo("e3");
        server.refuse(Set.of());
        passAfter(Duration.ofMinutes(2));
        assertThat(emails()).isEqualTo("80");
    }

    @Test
    void nothing_is_quarantined_when_the_server_fails_on_everything() {
        start(5);
        Set<String> all =
                IntStream.range(0, 40).mapToObj(number -> "new" + number).collect(Collectors.toSet());
        server.refuse(all);
        all.forEach(this::add);
        fetcher.requestSync(account.accountId());
        await().atMost(SOON)
                .until(() -> account.read("select state from account_sync where account_id = ?"), "backoff"::equals);

        server.refuse(Set.of());

        await().atMost(SOON).until(() -> emails().equals("45"));
        pass();
        assertThat(account.read("select count(*) from quarantined_email where account_id = ?"))
                .isEqualTo("0");
    }

    @Test
    void an_email_that_is_neither_returned_nor_not_found_is_asked_for_again() {
        start(5);
        server.leaveOut(Set.of("silent"));
        add("silent");
        add("other");

        pass();
        assertThat(emails()).isEqualTo("6");
        assertThat(notRead("deferred")).isEqualTo("silent");
        server.leaveOut(Set.of());
        passAfter(Duration.ofMinutes(2));

        assertThat(emails()).isEqualTo("7");
    }

    @Test
    void a_deferred_email_that_is_destroyed_is_forgotten() {
        start(5);
        server.refuse(Set.of("bad"));
        add("bad");
        pass();
        assertThat(notRead("deferred")).isEqualTo("bad");

        server.destroyEmail("bad");
        pass();

        assertThat(account.read("select count(*) from quarantined_email where account_id = ?"))
                .isEqualTo("0");
    }

    @Test
    void a_list_that_repeats_itself_for_ever_ends_the_pass_with_an_error_that_says_so() {
        server.repeatFirstPage(true);
        IntStream.range(0, 30).forEach(number -> add("e" + number));

        fetcher.start(account);

        await().atMost(SOON)
                .until(() -> Optional.ofNullable(
                                account.read("select last_error from account_sync where account_id = ?"))
                        .filter(error -> error.contains("lists the same email again and again"))
                        .isPresent());
        server.repeatFirstPage(false);
        fetcher.requestSync(account.accountId());
        awaitSynced();
        assertThat(emails()).isEqualTo("30");
    }

    @Test
    void a_date_beyond_the_year_9999_is_stored_as_the_end_of_time() {
        server.addEmail("late", "inbox-id", "12345-01-01T00:00:00Z", "late", "text");
        server.addEmail("signed", "inbox-id", "+12345-01-01T00:00:00Z", "signed", "text");

        start(3);

        assertThat(emails()).isEqualTo("5");
        assertThat(account.read("select string_agg(distinct received_at::text, ' ') from email"
                        + " where message_id in ('late@example.com', 'signed@example.com') and account_id = ?"))
                .startsWith("9999-12-31")
                .doesNotContain(" 1");
    }
}
