package org.postbus.fetcher.jmap;

import static java.util.stream.Collectors.counting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.change.ChangeEvent;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.jmap.fake.FakeJmapServer;

/** What real servers do not do on demand; and every request is one that a strict server accepts. */
class FakeJmapSourceTest extends JmapSourceContract {
    private static final Vertx VERTX = Vertx.vertx();
    private FakeJmapServer server;

    @AfterAll
    static void stopVertx() throws Exception {
        VERTX.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @Override
    Login newUser() {
        server = FakeJmapServer.start(VERTX);
        return new Login(server.sessionUrl(), FakeJmapServer.USER, FakeJmapServer.PASSWORD);
    }

    @AfterEach
    void nothingWasAskedWrongly() {
        assertThat(server.complaints()).isEmpty();
        server.close();
    }

    @Override
    int updatesOfAMoveMax() {
        return 1;
    }

    @Override
    int manyEmails() {
        return 1200;
    }

    @Test
    void a_lost_state_is_repaired_without_changes_for_what_did_not_change() {
        List<String> emails = fill(inbox(), 700);
        server.pageMax(300);
        fetcher.start(account);
        awaitEqual();
        passes(2);
        long seqBefore = changeSeq();

        other.destroy(emails.subList(0, 2));
        patch(emails.subList(5, 8), Map.of("keywords/$answered", true));
        fill(inbox(), 1);
        server.forgetChanges();
        awaitEqual();
        passes(2);

        assertThat(changesAfter(seqBefore).stream()
                        .filter(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                        .collect(Collectors.groupingBy(
                                change -> change.getClass().getSimpleName(), counting())))
                .isEqualTo(Map.of("EmailDestroyed", 2L, "EmailUpdated", 3L, "EmailCreated", 1L));
    }

    @Test
    void what_the_server_did_not_report_is_found_by_a_sync_request_after_quiet_passes_with_right_counts() {
        List<String> emails = fill(inbox(), 10);
        fetcher.start(account);
        awaitEqual();
        // Two passes that count are enough.
        passes(4);

        server.destroyWithoutAWord(emails.get(3));

        awaitEqual();
    }

    @Test
    void a_change_in_progress_when_the_server_returned_a_state_is_found_once_changes_have_settled() {
        Runnable underWay = changeUnderWay();
        long seqBefore = changeSeq();

        underWay.run();
        fill(inbox(), 1);

        awaitEqual();
        passes(2);
        assertThat(changesAfter(seqBefore))
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                .extracting(change -> change.getClass().getSimpleName())
                .containsExactly("EmailCreated", "EmailUpdated");
    }

    @Test
    void a_change_in_progress_is_found_by_the_fetcher_that_claims_the_account_next() {
        Runnable underWay = changeUnderWay();
        fetcher.stop(account);

        underWay.run();
        fetcher.start(account);

        awaitEqual();
    }

    /**
     * Changes a keyword, which shows in no count, among so many emails that these few changes do not lead to a comparison.
     *
     * @return ends the change, which began before one that has been reported
     */
    private Runnable changeUnderWay() {
        List<String> emails = fill(inbox(), 400);
        fetcher.start(account);
        awaitEqual();
        int began = server.moment();
        patch(emails.subList(0, 1), Map.of("keywords/$answered", true));
        awaitEqual();
        return () -> server.beganAt(
                began,
                () -> server.updateEmail(
                        emails.get(3), email -> ((ObjectNode) email.path("keywords")).put("$flagged", true)));
    }

    @Test
    void what_the_server_never_reports_is_found_once_much_else_has_changed() {
        List<String> emails = fill(inbox(), 60);
        fetcher.start(account);
        awaitEqual();
        long seqBefore = changeSeq();

        server.updateWithoutAWord(emails.get(3), email -> ((ObjectNode) email.path("keywords")).put("$flagged", true));
        patch(emails.subList(10, 12), Map.of("keywords/$answered", true));

        awaitEqual();
        passes(2);
        assertThat(changesAfter(seqBefore))
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                .extracting(change -> change.getClass().getSimpleName())
                .containsExactly("EmailUpdated", "EmailUpdated", "EmailUpdated");
    }

    @Test
    void a_keyword_that_the_server_did_not_report_is_found_by_the_daily_comparison() throws Exception {
        fetcher.close();
        fetcher = new FetcherUnderTest(
                DevStack.postgres().freshDatabase(),
                Duration.ofSeconds(1),
                Duration.ofSeconds(3),
                new HostBudget(20, 50, 1000),
                ImapOptions.DEFAULT);
        account = fetcher.account(
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD);
        List<String> emails = fill(inbox(), 5);
        fetcher.start(account);
        awaitEqual();
        long seqBefore = changeSeq();

        server.updateWithoutAWord(emails.get(3), email -> ((ObjectNode) email.path("keywords")).put("$flagged", true));

        awaitEqual();
        assertThat(changesAfter(seqBefore))
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                .singleElement()
                .isInstanceOf(ChangeEvent.EmailUpdated.class);
    }

    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true", "true, true"})
    void emails_of_merged_threads_are_the_same_emails_with_reassigned_ids(boolean withoutHistory, boolean anotherBlob) {
        List<String> emails = fill(inbox(), 20);
        fetcher.start(account);
        awaitEqual();
        passes(2);
        Map<String, String> before = emailIds();
        long seqBefore = changeSeq();

        server.mergeThreads(emails.subList(0, 8), anotherBlob);
        if (withoutHistory) {
            server.forgetChanges();
        }
        awaitThreads(13);
        awaitEqual();
        passes(2);

        assertThat(emailIds()).isEqualTo(before);
        assertThat(blobs())
                .isEqualTo(server.emails().stream()
                        .collect(Collectors.toMap(
                                email -> "jmap:" + email.get("id").asText(),
                                email -> email.get("blobId").asText())));
        assertThat(changesAfter(seqBefore))
                .filteredOn(change -> !(change instanceof ChangeEvent.MailboxUpdated))
                .hasSize(8)
                .allMatch(change -> change instanceof ChangeEvent.EmailUpdated updated
                        && updated.threadId().isPresent());
    }

    private Map<String, String> blobs() {
        Map<String, String> blobs = new HashMap<>();
        DirectWriter.query(
                fetcher.database,
                "select identity, blob_id from email where account_id = ?",
                row -> blobs.put(row.getString(1), row.getString(2)),
                account.accountId().value());
        return blobs;
    }

    private void awaitThreads(int threads) {
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                account.read("select count(distinct thread_id) from email where account_id = ?"))
                        .isEqualTo(String.valueOf(threads)));
    }

    @Test
    void a_few_emails_are_read_in_the_answer_that_names_them() {
        List<String> emails = fill(inbox(), 20);
        fetcher.start(account);
        awaitEqual();
        fill(inbox(), 3);
        patch(emails.subList(0, 5), Map.of("keywords/$flagged", true));
        awaitEqual();

        assertThat(gets("Email").filter(get -> !get.path("ids").isEmpty())).isEmpty();
        assertThat(gets("Email").map(get -> get.at("/#ids/path").asText())).contains("/ids", "/created", "/updated");
    }

    @Test
    void mailboxes_of_which_only_the_counts_changed_are_not_read_again() {
        mailbox("Projects", null);
        fetcher.start(account);
        awaitEqual();
        passes(2);
        fill(inbox(), 3);
        awaitCounts("3 2");
        assertThat(gets("Mailbox").filter(get -> get.has("#properties"))).isNotEmpty();

        server.renameMailbox(inbox(), "Letters");
        awaitEqual();
        awaitCounts("3 2");
    }

    private void awaitCounts(String counts) {
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(account.read("select total_emails || ' ' || unread_emails from mailbox"
                                + " where account_id = ? and role = 'inbox'"))
                        .isEqualTo(counts));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_server_that_refuses_emails_together_with_their_ids_is_asked_for_them_separately(boolean tooMany) {
        if (tooMany) {
            server.getMax(2);
        } else {
            server.refuseReferences();
        }
        List<String> emails = fill(inbox(), 9);
        fetcher.start(account);
        awaitEqual();
        fill(inbox(), 5);
        patch(emails.subList(0, 5), Map.of("keywords/$flagged", true));
        mailbox("Projects", null);
        awaitEqual();
    }

    @Test
    void no_request_asks_for_more_than_the_server_allows() {
        server.session(session -> ((ObjectNode) session.at("/capabilities/urn:ietf:params:jmap:core"))
                .put("maxObjectsInGet", 7)
                .put("maxCallsInRequest", 6));
        List<String> emails = fill(inbox(), 40);
        fetcher.start(account);
        awaitEqual();
        fill(inbox(), 10);
        patch(emails, Map.of("keywords/$flagged", true));
        awaitEqual();
    }

    /** The arguments of all {@code /get} calls of this type. */
    private Stream<JsonNode> gets(String type) {
        return server.requests().stream()
                .flatMap(request -> request.path("methodCalls").valueStream())
                .filter(call -> call.path(0).asText().equals(type + "/get"))
                .map(call -> call.path(1));
    }

    @Test
    void the_delay_that_a_server_asks_for_is_obeyed() {
        fill(inbox(), 3);
        fetcher.start(account);
        awaitEqual();

        server.next(
                "/api/",
                request -> request.response()
                        .setStatusCode(429)
                        .putHeader("Retry-After", "1800")
                        .end());
        fetcher.requestSync(account.accountId());

        await().atMost(SOON)
                .untilAsserted(() -> assertThat(account.read(
                                "select state || ' ' || (retry_at > now() + interval '20 minutes') from account_sync"
                                        + " where account_id = ?"))
                        .isEqualTo("backoff true"));
    }

    @Test
    void what_changes_while_the_event_source_is_down_is_found_once_it_is_up_again() throws Exception {
        fetcher.close();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofDays(1));
        account = fetcher.account(
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD);
        fill(inbox(), 3);
        fetcher.start(account);
        await().atMost(SOON).until(() -> push().equals("event-source"));
        double before = fetcher.wokenByPush();

        server.next("/events", request -> {
            // The connection breaks, mail arrives, and only then the stream is open again.
            server.addEmail("late-1", "inbox-id", "2026-01-01T00:00:00Z", "late", "text");
            server.addEmail("late-2", "inbox-id", "2026-01-02T00:00:00Z", "late", "text");
            request.response().setStatusCode(503).end();
        });
        server.closeStreams();

        await().atMost(SOON)
                .untilAsserted(() -> assertThat(stored().get("Inbox")).hasSize(5));
        await().atMost(SOON).until(() -> fetcher.wokenByPush() > before);
    }

    @ParameterizedTest
    @ValueSource(ints = {204, 501})
    void without_an_event_source_the_account_is_polled(int status) {
        server.next(
                "/events", request -> request.response().setStatusCode(status).end());
        fetcher.start(account);
        await().atMost(SOON).until(server::isAllMet);
        awaitEqual();
        fill(inbox(), 3);
        awaitEqual();
        assertThat(push()).isEqualTo("poll");
    }

    @Test
    void a_web_socket_is_used_where_there_is_no_event_source() throws Exception {
        fetcher.close();
        fetcher = new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofDays(1));
        account = fetcher.account(
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD);
        server.offerWebSocket();
        server.session(session -> session.remove("eventSourceUrl"));
        fetcher.start(account);
        await().atMost(SOON).until(() -> push().equals("websocket"));
        await().atMost(SOON).until(() -> server.webSockets() == 1);
        double before = fetcher.wokenByPush();

        fill(inbox(), 3);

        await().atMost(SOON).until(() -> fetcher.wokenByPush() > before);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(stored().get("Inbox")).hasSize(3));
    }

    private String push() {
        return account.read("select coalesce(push, '') from account_sync where account_id = ?");
    }

    @Override
    void disturb(Random random, JmapHistory history) {
        switch (random.nextInt(9)) {
            case 0 -> server.forgetChanges();
            case 1 -> {
                List<String> emails = List.copyOf(history.emails());
                server.mergeThreads(
                        emails.subList(0, Math.min(emails.size(), 1 + random.nextInt(5))), random.nextBoolean());
                history.readState();
            }
            case 2 -> server.nextAnswer(200, "application/json", "{\"methodResponses\":[[\"Ema");
            case 3 -> server.nextAnswer(502, "text/html", "<html><body>Bad gateway</body></html>");
            case 4 ->
                server.nextAnswer(
                        400,
                        "application/problem+json",
                        "{\"type\":\"urn:ietf:params:jmap:error:limit\",\"limit\":\"maxSizeRequest\",\"status\":400}");
            case 5 -> server.stickAtAState(1 + random.nextInt(3));
            case 6 -> server.getMax(20 + random.nextInt(60));
            case 7 -> server.pageMax(3 + random.nextInt(300));
            default -> server.closeStreams();
        }
        await().atMost(SOON).until(() -> {
            hint();
            return server.isAllMet();
        });
        // A new claim does not wait for the backoff of the one before.
        fetcher.stop(account);
        fetcher.start(account);
    }
}
