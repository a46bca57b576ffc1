package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.mailserver.James;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.system.RunningPostbus.Account;
import org.postbus.system.RunningPostbus.Protocol;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.SyncRequest;
import org.postbus.topic.Topics;

/**
 * Records that no service of this installation wrote, in the partitions of a real account: somebody has the broker's rights, or there is a bug. They
 * stop neither the account nor a consumer. {@code postbus.changes} is not among the topics: other tests read it; the gateway's tests forge it.
 */
class ForgedRecordsIT {
    private static final int OVERSIZED = 900_000;

    private final RunningPostbus running = RunningPostbus.get();

    @Test
    void an_account_goes_on_after_forged_records_in_its_partitions() throws Exception {
        James.User user = running.user("forged");
        Account account = running.add(Protocol.IMAP, user);
        running.fill(user, "INBOX", 7, 3);
        running.awaitConverged(account);
        double malformedBefore = metric("outbound-1", "postbus_outbound_bells_malformed_total");

        try (KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
                running.postbus.kafka().connectionOfAdmin(), new StringSerializer(), new ByteArraySerializer())) {
            List<ProducerRecord<String, byte[]>> forged = forged(account);
            for (ProducerRecord<String, byte[]> record : forged) {
                producer.send(record).get(60, TimeUnit.SECONDS);
            }
            // All records of mutations have been read when the last one, which is malformed too, has been counted.
            await().atMost(RunningPostbus.CHANGE_LIMIT)
                    .untilAsserted(() -> assertThat(
                                    metric("outbound-1", "postbus_outbound_bells_malformed_total") - malformedBefore)
                            .isEqualTo(forged.stream()
                                    .filter(record -> record.topic().equals(Topics.MUTATIONS))
                                    .filter(record -> !isNotification(record.value()))
                                    .count()));
        }

        running.fill(user, "INBOX", 8, 2);
        running.awaitConverged(account);
        assertThat(running.emailsInDatabase(account)).isEqualTo(5);
        JsonNode email = running.api.emails(account.id()).getFirst();
        running.api.mutate(account.id(), email.get("id").asText(), Map.of("keywords", Map.of("$flagged", true)));
        await().atMost(RunningPostbus.CHANGE_LIMIT)
                .untilAsserted(() -> assertThat(running.api
                                .get(account.path() + "/mutations")
                                .expect(200)
                                .at("/list/0/state")
                                .asText())
                        .isEqualTo("confirmed"));
        for (String instance : running.postbus.services().instances()) {
            assertThat(get(instance, "/q/health/live").statusCode())
                    .as(instance)
                    .isEqualTo(200);
        }
    }

    private List<ProducerRecord<String, byte[]>> forged(Account account) {
        TenantId ours = running.postbus.apiKey().tenant();
        TenantId theirs = new TenantId(UUID.randomUUID());
        AccountId unknown = new AccountId(UUID.randomUUID());
        AccountId id = account.id();
        List<ProducerRecord<String, byte[]>> records = new ArrayList<>();
        for (String topic : List.of(Topics.OBSERVATIONS, Topics.ACCOUNTS, Topics.SYNC_REQUESTS, Topics.MUTATIONS)) {
            int partition = partitionOf(id);
            boolean compacted = topic.equals(Topics.ACCOUNTS);
            for (byte[] value : garbage()) {
                if (!compacted) {
                    // The broker refuses a record without a key in a compacted topic.
                    records.add(new ProducerRecord<>(topic, partition, null, value));
                }
                records.add(new ProducerRecord<>(topic, partition, "no account", value));
                if (!compacted || value != null) {
                    // Without a value it would say that the account was deleted.
                    records.add(new ProducerRecord<>(topic, partition, id.toString(), value));
                }
            }
        }
        add(records, Topics.OBSERVATIONS, id, new ObservationBatch(theirs, id, 1, 1, List.of()));
        add(records, Topics.OBSERVATIONS, id, new ObservationBatch(ours, unknown, 1, 1, List.of()));
        add(records, Topics.OBSERVATIONS, id, new ObservationBatch(ours, id, Long.MAX_VALUE - 1, 1, List.of()));
        add(records, Topics.OBSERVATIONS, id, new ObservationBatch(ours, id, Long.MAX_VALUE, 1, List.of()));
        add(records, Topics.ACCOUNTS, id, account(theirs, id));
        add(records, Topics.ACCOUNTS, id, account(ours, unknown));
        add(records, Topics.SYNC_REQUESTS, id, new SyncRequest(theirs, id));
        add(records, Topics.SYNC_REQUESTS, id, new SyncRequest(ours, unknown));
        add(records, Topics.MUTATIONS, id, new MutationNotification(theirs, id));
        add(records, Topics.MUTATIONS, id, new MutationNotification(ours, unknown));
        records.add(
                new ProducerRecord<>(Topics.MUTATIONS, partitionOf(id), "last", "{".getBytes(StandardCharsets.UTF_8)));
        return records;
    }

    private static List<byte[]> garbage() {
        List<byte[]> values = new ArrayList<>();
        values.add(null);
        for (String text : List.of("", "null", "[]", "{}", "\"\\u0000\"", "x".repeat(OVERSIZED), "[".repeat(100_000))) {
            values.add(text.getBytes(StandardCharsets.UTF_8));
        }
        values.add(new byte[] {(byte) 0xff, 0, (byte) 0xfe});
        return values;
    }

    private static AccountRecord account(TenantId tenant, AccountId account) {
        return new AccountRecord(
                tenant, account, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, Long.MAX_VALUE);
    }

    private void add(List<ProducerRecord<String, byte[]>> records, String topic, AccountId key, Object value) {
        records.add(new ProducerRecord<>(topic, partitionOf(key), key.toString(), EventCodec.encode(value)));
    }

    private static boolean isNotification(byte[] value) {
        return value != null && new String(value, StandardCharsets.UTF_8).startsWith("{\"tenantId\"");
    }

    /** As the producer chooses it. */
    private static int partitionOf(AccountId account) {
        return Utils.toPositive(Utils.murmur2(account.toString().getBytes(StandardCharsets.UTF_8))) % Topics.PARTITIONS;
    }

    private double metric(String instance, String name) throws Exception {
        return get(instance, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private HttpResponse<String> get(String instance, String path) throws Exception {
        URI root = running.postbus.services().baseUrl(instance);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(root.resolve(path)).build(), HttpResponse.BodyHandlers.ofString());
    }
}
