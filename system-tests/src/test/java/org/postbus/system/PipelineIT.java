package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.system.RunningPostbus.CHANGE_LIMIT;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postbus.account.Secret;
import org.postbus.devstack.client.LiveEvents;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.system.RunningPostbus.Account;
import org.postbus.system.RunningPostbus.Protocol;

/** Changes propagate in both directions between a real mail server and the database, through all services as processes. */
class PipelineIT {
    private static final long SEED = Long.getLong("postbus.seed", 20_261_122);
    /** Per account. */
    private static final int MUTATIONS = Boolean.getBoolean("postbus.long") ? 5_000 : 500;

    private final RunningPostbus running = RunningPostbus.get();

    @Test
    void an_imap_and_a_jmap_account_converge_with_the_server_after_concurrent_changes() {
        James.User alice = running.user("alice");
        James.User bob = running.user("bob");
        running.fill(alice, "INBOX", SEED, 400);
        running.fill(bob, "INBOX", SEED + 1, 250);

        System.out.println("PipelineIT: seed " + SEED + " (-Dpostbus.seed)");
        Account imap = running.add(Protocol.IMAP, alice);
        Account jmap = running.add(Protocol.JMAP, bob);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> clients = new ArrayList<>();
            clients.add(async(threads, () -> new RandomActivity(running, alice, SEED + 2).overImap(300)));
            clients.add(async(threads, () -> new RandomActivity(running, bob, SEED + 3).overImap(200)));
            clients.add(async(threads, () -> {
                running.awaitSynced(imap);
                new RandomActivity(running, alice, SEED + 5).overRest(imap, MUTATIONS);
            }));
            clients.add(async(threads, () -> {
                running.awaitSynced(jmap);
                new RandomActivity(running, bob, SEED + 6).overRest(jmap, MUTATIONS);
            }));
            clients.forEach(CompletableFuture::join);
        }

        running.awaitConverged(imap);
        running.awaitConverged(jmap);
        assertThat(running.subscriber.state(imap.id()).fold().synced()).isTrue();
        assertThat(running.subscriber.state(jmap.id()).fold().synced()).isTrue();
        for (Account account : List.of(imap, jmap)) {
            assertThat(states(account).keySet()).as("final states of mutations").isSubsetOf("confirmed", "rejected");
            assertThat(states(account).get("confirmed")).isGreaterThan(10);
        }
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void mutations_over_rest_are_applied_on_the_server(Protocol protocol) {
        Account account = synced(protocol, "mutator-" + protocol, 6);
        List<JsonNode> emails = running.api.emails(account.id());
        String inbox = mailboxId(account, "INBOX");
        String archive = mailboxId(account, "Archive");
        List<String> messageIds =
                emails.stream().map(email -> email.at("/messageId/0").asText()).toList();

        running.api.mutate(
                account.id(), id(emails.get(0)), Map.of("keywords", Map.of("$flagged", true, "by-rest", true)));
        running.api.mutate(account.id(), id(emails.get(1)), Map.of("mailboxIds", Map.of(archive, true, inbox, false)));
        running.api.delete(account.path() + "/emails/" + id(emails.get(2))).expect(202);

        // The overlay shows the mutations at once.
        JsonNode flagged =
                running.api.get(account.path() + "/emails/" + id(emails.get(0))).expect(200);
        assertThat(flagged.at("/keywords/by-rest").asBoolean()).isTrue();
        running.api.get(account.path() + "/emails/" + id(emails.get(2))).expect(404);

        await().atMost(CHANGE_LIMIT).untilAsserted(() -> {
            try (RawImap imap = running.imap(account.user())) {
                Map<String, Set<String>> inInbox = flagsByMessageId(imap, "INBOX");
                Map<String, Set<String>> inArchive = flagsByMessageId(imap, "Archive");
                assertThat(inInbox.get(messageIds.get(0))).contains("\\Flagged", "by-rest");
                assertThat(inInbox)
                        .doesNotContainKeys(messageIds.get(1), messageIds.get(2))
                        .hasSize(4);
                assertThat(inArchive).containsOnlyKeys(messageIds.get(1));
            }
        });
        running.awaitConverged(account);
        assertThat(states(account)).containsExactly(Map.entry("confirmed", 3L));
        JsonNode moved =
                running.api.get(account.path() + "/emails/" + id(emails.get(1))).expect(200);
        assertThat(names(moved.get("mailboxIds"))).containsExactly(archive);
    }

    @Test
    void a_message_sent_over_rest_arrives_once_and_is_filed_once_in_sent() {
        Account imap = synced(Protocol.IMAP, "sender-imap", 1);
        Account jmap = synced(Protocol.JMAP, "sender-jmap", 1);

        String toJmap = send(imap, jmap);
        String toImap = send(jmap, imap);

        await().atMost(CHANGE_LIMIT).untilAsserted(() -> {
            for (Account account : List.of(imap, jmap)) {
                assertThat(subjects(account, "INBOX")).contains(account == imap ? toImap : toJmap);
                assertThat(subjects(account, "Sent")).containsExactly(account == imap ? toJmap : toImap);
                assertThat(subjects(account, "Drafts")).isEmpty();
                assertThat(running.api
                                .get(account.path() + "/submissions")
                                .expect(200)
                                .at("/list/0/state")
                                .asText())
                        .isEqualTo("sent");
            }
        });
        for (Account account : List.of(imap, jmap)) {
            running.awaitConverged(account);
            assertThat(subjects(account, "INBOX")).hasSize(2);
            assertThat(subjects(account, "Sent")).hasSize(1);
        }
    }

    /** @return the subject */
    private String send(Account from, Account to) {
        String subject = "From " + from.user().address();
        Map<String, Object> message =
                Map.of("to", List.of(Map.of("email", to.user().address())), "subject", subject, "text", "Hello.");
        running.api.post(from.path() + "/submissions", message).expect(202);
        return subject;
    }

    private List<String> subjects(Account account, String mailbox) {
        return running.api.emails(account.id(), mailboxId(account, mailbox)).stream()
                .map(email -> email.path("subject").asText())
                .toList();
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void a_mailbox_is_created_filled_and_renamed_over_rest_without_waiting(Protocol protocol) {
        Account account = synced(protocol, "creator-" + protocol, 2);
        String email = id(running.api.emails(account.id()).getFirst());
        String inbox = mailboxId(account, "INBOX");

        String created = running.api
                .post(account.path() + "/mailboxes", Map.of("name", "Receipts"))
                .expect(202)
                .get("mailboxId")
                .asText();
        running.api.mutate(account.id(), email, Map.of("mailboxIds", Map.of(created, true, inbox, false)));
        running.api
                .patch(account.path() + "/mailboxes/" + created, Map.of("name", "Bills"))
                .expect(202);
        assertThat(mailboxId(account, "Bills")).isEqualTo(created);

        await().atMost(CHANGE_LIMIT).untilAsserted(() -> {
            try (RawImap imap = running.imap(account.user())) {
                assertThat(imap.list())
                        .extracting(RawImap.Listed::name)
                        .contains("Bills")
                        .doesNotContain("Receipts");
                assertThat(flagsByMessageId(imap, "Bills")).hasSize(1);
            }
        });
        running.awaitConverged(account);
        assertThat(states(account)).containsExactly(Map.entry("confirmed", 3L));
        assertThat(mailboxId(account, "Bills")).isEqualTo(created);
        JsonNode now = running.api.get(account.path() + "/emails/" + email).expect(200);
        assertThat(names(now.get("mailboxIds"))).containsExactly(created);
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void changes_on_the_server_appear_in_rest_and_in_live_events(Protocol protocol) {
        Account account = synced(protocol, "watcher-" + protocol, 5);
        JsonNode email = running.api.emails(account.id()).getFirst();
        String messageId = email.at("/messageId/0").asText();
        String flag = "seen-by-" + protocol.name().toLowerCase(Locale.ROOT);
        try (LiveEvents live = running.api.listen();
                RawImap imap = running.imap(account.user())) {
            imap.select("INBOX");
            imap.addFlags(List.of(uid(imap, messageId)), flag);
            await().atMost(CHANGE_LIMIT)
                    .untilAsserted(() -> assertThat(live.received()).anySatisfy(event -> {
                        assertThat(event.type()).isEqualTo("email.updated");
                        assertThat(event.data().at("/accountId").asText())
                                .isEqualTo(account.id().toString());
                        assertThat(event.data().at("/change/email/id").asText()).isEqualTo(id(email));
                        assertThat(event.data()
                                        .at("/change/email/keywords/" + flag)
                                        .asBoolean())
                                .isTrue();
                    }));

            MailCorpus.Mail arrived = new MailCorpus(SEED, "x@example.com", Instant.now()).next();
            imap.append("INBOX", Set.of(), Instant.now(), arrived.raw());
            await().atMost(CHANGE_LIMIT)
                    .untilAsserted(() -> assertThat(live.received())
                            .anySatisfy(event -> assertThat(event.data()
                                            .at("/change/email/messageId/0")
                                            .asText())
                                    .isEqualTo(arrived.messageId().replaceAll("[<>]", ""))));
        }
        // A change that was published can be read.
        JsonNode now = running.api.get(account.path() + "/emails/" + id(email)).expect(200);
        assertThat(now.at("/keywords/" + flag).asBoolean()).isTrue();
        assertThat(running.api.emails(account.id())).hasSize(6);
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void an_email_keeps_its_id_when_another_client_moves_it(Protocol protocol) {
        Account account = synced(protocol, "mover-" + protocol, 3);
        JsonNode email = running.api.emails(account.id()).getFirst();
        String archive = mailboxId(account, "Archive");
        try (RawImap imap = running.imap(account.user())) {
            imap.select("INBOX");
            imap.move(List.of(uid(imap, email.at("/messageId/0").asText())), "Archive");
        }
        await().atMost(CHANGE_LIMIT).pollInterval(Duration.ofMillis(200)).untilAsserted(() -> {
            // Never a 404: until the arrival is reported the email stays in its old mailbox.
            JsonNode now =
                    running.api.get(account.path() + "/emails/" + id(email)).expect(200);
            assertThat(names(now.get("mailboxIds"))).containsExactly(archive);
        });
        running.awaitConverged(account);
        JsonNode changes = running.api
                .get(account.path() + "/changes?since=0&limit=500")
                .expect(200)
                .get("list");
        assertThat(changes)
                .extracting(change -> change.at("/change/type").asText())
                .contains("email.updated")
                .doesNotContain("email.destroyed");
    }

    @Test
    void a_key_of_another_tenant_finds_nothing() {
        Account account = synced(Protocol.IMAP, "guarded", 3);
        String emailId = id(running.api.emails(account.id()).getFirst());
        ApiKey foreign = ApiKey.issue(running.postbus.postgres().database(), "other tenant");
        try (PostbusApi api = new PostbusApi(running.postbus.api(), foreign.text());
                LiveEvents live = api.listen()) {
            assertThat(api.get("accounts").expect(200).get("list")).isEmpty();
            for (String path : List.of(
                    "", "/mailboxes", "/emails", "/emails/" + emailId, "/changes?since=0", "/mutations", "/sync-log")) {
                assertThat(api.get(account.path() + path).status())
                        .as("GET %s", path)
                        .isEqualTo(404);
            }
            Map<String, Object> seen = Map.of("keywords", Map.of("$seen", true));
            assertThat(api.patch(account.path() + "/emails/" + emailId, seen).status())
                    .isEqualTo(404);
            assertThat(api.delete(account.path() + "/emails/" + emailId).status())
                    .isEqualTo(404);
            assertThat(api.post(account.path() + "/sync", null).status()).isEqualTo(404);
            assertThat(api.delete(account.path()).status()).isEqualTo(404);

            try (LiveEvents own = running.api.listen();
                    RawImap imap = running.imap(account.user())) {
                imap.append(
                        "INBOX",
                        Set.of(),
                        Instant.now(),
                        new MailCorpus(1, "x@example.com", Instant.now()).next().raw());
                await().atMost(CHANGE_LIMIT)
                        .untilAsserted(() -> assertThat(own.received())
                                .extracting(LiveEvents.LiveEvent::type)
                                .contains("email.created"));
            }
            assertThat(live.received())
                    .extracting(LiveEvents.LiveEvent::type)
                    .as("only the event that the stream has started")
                    .containsOnly("ready");
        }
        try (PostbusApi unknown = new PostbusApi(running.postbus.api(), new Secret("pb_wrong"))) {
            assertThat(unknown.get("accounts").status()).isEqualTo(401);
        }
        running.awaitConverged(account);
        assertThat(states(account)).isEmpty();
    }

    private Account synced(Protocol protocol, String name, int messages) {
        James.User user = running.user(name.toLowerCase(Locale.ROOT));
        running.fill(user, "INBOX", SEED + name.hashCode(), messages);
        Account account = running.add(protocol, user);
        running.awaitSynced(account);
        return account;
    }

    private Map<String, Long> states(Account account) {
        Map<String, Long> states = new HashMap<>();
        for (String state : List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt")) {
            String path = account.path() + "/mutations?limit=500&state=" + state;
            long count = running.api.get(path).expect(200).get("list").size();
            if (count > 0) {
                states.put(state, count);
            }
        }
        return states;
    }

    private String mailboxId(Account account, String path) {
        for (JsonNode mailbox :
                running.api.get(account.path() + "/mailboxes").expect(200).get("list")) {
            if (mailbox.get("path").asText().equals(path)) {
                return id(mailbox);
            }
        }
        throw new AssertionError("no mailbox " + path);
    }

    private static Map<String, Set<String>> flagsByMessageId(RawImap imap, String mailbox) {
        Map<String, Set<String>> flags = new HashMap<>();
        if (imap.select(mailbox).exists() > 0) {
            imap.fetchAll()
                    .forEach(message ->
                            flags.put(message.messageId().orElseThrow().replaceAll("[<>]", ""), message.flags()));
        }
        return flags;
    }

    private static long uid(RawImap imap, String messageId) {
        return imap.fetchAll().stream()
                .filter(message -> message.messageId().orElse("").equals("<" + messageId + ">"))
                .findFirst()
                .orElseThrow()
                .uid();
    }

    private static String id(JsonNode object) {
        return object.get("id").asText();
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static CompletableFuture<Void> async(ExecutorService threads, Runnable work) {
        return CompletableFuture.runAsync(work, threads);
    }
}
