package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.it.EventReader.Event;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

/** Pages of the change log, and live events. */
class ChangesIT extends GatewayTest {
    @Test
    void changes_are_read_in_order_from_any_seq() {
        // Given
        List<ChangeEvent> changes = IntStream.range(0, 5)
                .mapToObj(i -> stored.change(tenant, account))
                .toList();

        // When
        JsonNode page = api.get(accountPath() + "/changes?since=1&limit=2").json();
        JsonNode rest = api.get(
                        accountPath() + "/changes?since=" + page.get("next").asLong())
                .json();

        // Then
        assertThat(page.at("/list").findValuesAsText("seq")).containsExactly("2", "3");
        assertThat(rest.at("/list").findValuesAsText("seq")).containsExactly("4", "5");
        assertThat(rest.has("next")).isFalse();
        assertThat(EventCodec.decode(page.at("/list/0").toString(), ChangeEvent.class))
                .isEqualTo(changes.get(1));
        assertThat(api.get(accountPath() + "/changes?since=99").json().get("list"))
                .isEmpty();
    }

    @Test
    void changes_deleted_by_retention_are_reported() throws Exception {
        // Given: a client has the first change and disconnects; four changes follow, and retention deletes the oldest
        // three
        stored.change(tenant, account);
        String position;
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.empty())) {
            awaitReady(events);
            position = events.lastId();
        }
        for (int i = 0; i < 4; i++) {
            stored.change(tenant, account);
        }
        stored.update("delete from change_log where account_id = ? and seq <= 3", account.value());

        // Then
        for (int since = 0; since < 3; since++) {
            ApiCaller.Answer late = api.get(accountPath() + "/changes?since=" + since);
            assertProblem(late, 410, "gone");
            assertThat(late.json().get("detail").asText()).endsWith("since=5");
        }
        assertThat(api.get(accountPath() + "/changes?since=3")
                        .json()
                        .at("/list")
                        .findValuesAsText("seq"))
                .containsExactly("4", "5");
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> !events.changes().isEmpty());
            assertThat(events.changes().getFirst().type()).isEqualTo("reset");
            assertThat(events.changes().getFirst().data().get("accountId").asText())
                    .isEqualTo(account.toString());
            assertThat(events.changes().getFirst().seq()).isEqualTo(5);
            position = events.lastId();
            publish(stored.change(tenant, account));
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 2);
            assertThat(events.changes().getLast().seq()).isEqualTo(6);
        }

        // When: the whole log is deleted
        stored.update("delete from change_log where account_id = ?", account.value());
        assertProblem(api.get(accountPath() + "/changes?since=5"), 410, "gone");
        assertThat(api.get(accountPath() + "/changes?since=6").json().get("list"))
                .isEmpty();
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> !events.changes().isEmpty());
            assertThat(events.changes().getFirst().type()).isEqualTo("reset");
            assertThat(events.changes().getFirst().seq()).isEqualTo(6);
        }
    }

    @Test
    void live_changes_arrive_once_and_in_order_if_records_are_lost_or_repeated() throws Exception {
        // Given
        ChangeEvent before = stored.change(tenant, account);
        AccountId theirAccount = createAccount(caller(gateway, theirKey));
        try (EventReader events = EventReader.open(api, "/v1/events", Optional.empty())) {
            awaitReady(events);

            // When: one record is repeated, one lost, one late; a change of another tenant and invalid records come too
            ChangeEvent first = stored.change(tenant, account);
            publish(before, first, first);
            publish(stored.change(theirKey.tenant(), theirAccount));
            publishInvalidRecords();
            stored.change(tenant, account);
            ChangeEvent third = stored.change(tenant, account);
            publish(third, first);

            // Then
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 3);
            publish(stored.change(tenant, account));
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 4);
            assertThat(events.changes()).extracting(Event::seq).containsExactly(2L, 3L, 4L, 5L);
            assertThat(events.changes()).extracting(Event::type).containsOnly("account.synced");
            assertThat(EventCodec.decode(events.changes().get(0).data().toString(), ChangeEvent.class))
                    .isEqualTo(first);
        }
    }

    @Test
    void a_stream_resumes_without_a_gap_on_any_gateway() throws Exception {
        // Given
        AccountId second = createAccount(api);
        List<AccountId> accounts = List.of(account, second);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> expected = new ArrayList<>();
        List<String> received = new ArrayList<>();
        Optional<String> position = Optional.empty();

        for (int round = 0; round < 6; round++) {
            // When: a stream is closed after some changes, and more are made while no stream is open
            ApiCaller from = caller(round % 2 == 0 ? gateway : strict, ourKey);
            String path = "/v1/events?accountId=" + account + "&accountId=" + second;
            try (EventReader events = EventReader.open(from, path, position)) {
                awaitReady(events);
                for (int i = random.nextInt(5); i >= 0; i--) {
                    ChangeEvent change = stored.change(tenant, accounts.get(random.nextInt(2)));
                    expected.add(change.accountId() + " " + change.seq());
                    if (random.nextInt(3) > 0) {
                        publish(change);
                    }
                }
                // One of each account that is published, so that a lost one before it is noticed at once.
                for (AccountId last : accounts) {
                    ChangeEvent change = stored.change(tenant, last);
                    expected.add(change.accountId() + " " + change.seq());
                    publish(change);
                }
                int wanted = expected.size() - received.size();
                Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= wanted);
                events.changes()
                        .forEach(event ->
                                received.add(event.data().get("accountId").asText() + " " + event.seq()));
                position = Optional.of(events.lastId());
            }
            for (int i = random.nextInt(3); i > 0; i--) {
                ChangeEvent change = stored.change(tenant, accounts.get(random.nextInt(2)));
                expected.add(change.accountId() + " " + change.seq());
                publish(change);
            }
        }
        try (EventReader events = EventReader.open(api, "/v1/events", position)) {
            // The stream also has the changes of the tenant's other accounts.
            Supplier<List<String>> ofBoth = () -> events.changes().stream()
                    .filter(event -> accounts.contains(
                            AccountId.of(event.data().get("accountId").asText())))
                    .map(event -> event.data().get("accountId").asText() + " " + event.seq())
                    .toList();
            int wanted = expected.size() - received.size();
            Awaitility.await().atMost(SOON).until(() -> ofBoth.get().size() >= wanted);
            received.addAll(ofBoth.get());
        }

        // Then
        for (AccountId one : accounts) {
            assertThat(received.stream().filter(line -> line.startsWith(one.toString())))
                    .as("seed %d", seed)
                    .containsExactlyElementsOf(expected.stream()
                            .filter(line -> line.startsWith(one.toString()))
                            .toList());
        }
    }

    @Test
    void a_new_account_joins_an_open_stream() throws Exception {
        try (EventReader events = EventReader.open(api, "/v1/events", Optional.empty())) {
            awaitReady(events);

            // When
            AccountId later = createAccount(api);
            publish(stored.change(tenant, later));

            // Then
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(events.changes())
                            .extracting(event -> event.data().get("accountId").asText())
                            .containsExactly(later.toString()));
        }
    }

    @Test
    void a_long_absence_is_caught_up_from_the_change_log() throws Exception {
        // Given
        int missed = 1_500;
        String position;
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.empty())) {
            awaitReady(events);
            position = events.lastId();
        }
        ChangeEvent first = stored.change(tenant, account);
        stored.update("""
                insert into change_log (account_id, tenant_id, seq, type, data)
                select account_id, tenant_id, n, type, replace(data, '"seq":1,', '"seq":' || n || ',')
                from change_log, generate_series(2, ?) n where account_id = ?""", missed, account.value());
        stored.update("update account_sync set change_seq = ? where account_id = ?", missed, account.value());

        // When
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= missed);

            // Then
            assertThat(first.seq()).isOne();
            assertThat(events.changes())
                    .extracting(Event::seq)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, missed).boxed().toList());
        }
    }

    @Test
    void an_invalid_position_is_a_bad_request() throws Exception {
        // When
        HttpResponse<String> response = http.send(
                api.request("/v1/events").header("Last-Event-ID", "12").build(), HttpResponse.BodyHandlers.ofString());

        // Then
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.headers().firstValue("Content-Type")).hasValue(Problem.MEDIA_TYPE);
    }

    private static void awaitReady(EventReader events) {
        Awaitility.await().atMost(SOON).until(() -> !events.all().isEmpty());
    }

    private static void publish(ChangeEvent... changes) {
        try (KafkaProducer<String, byte[]> producer = producer()) {
            for (ChangeEvent change : changes) {
                ProducerRecord<String, byte[]> record =
                        new ProducerRecord<>(Topics.CHANGES, change.accountId().toString(), EventCodec.encode(change));
                record.headers()
                        .add("ce_type", ChangeEvent.typeOf(change.change()).getBytes());
                producer.send(record);
            }
        }
    }

    private static void publishInvalidRecords() {
        try (KafkaProducer<String, byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(Topics.CHANGES, "no id", "{\"seq\":".getBytes()));
            producer.send(new ProducerRecord<>(Topics.CHANGES, null, null));
            ProducerRecord<String, byte[]> keyless = new ProducerRecord<>(
                    Topics.CHANGES, null, ("{\"tenantId\":\"" + ourKey.tenant() + "\",\"seq\":1}").getBytes());
            keyless.headers().add("ce_type", "email.created".getBytes());
            producer.send(keyless);
            ProducerRecord<String, byte[]> record =
                    new ProducerRecord<>(Topics.CHANGES, "no id", "{\"tenantId\":\"x\",\"seq\":1}".getBytes());
            record.headers().add("ce_type", "email.created".getBytes());
            producer.send(record);
        }
    }

    private static KafkaProducer<String, byte[]> producer() {
        return new KafkaProducer<>(
                kafka.connectionOf(KafkaUser.WRITER), new StringSerializer(), new ByteArraySerializer());
    }
}
