package org.postbus.writer.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.UidRange;
import org.postbus.writer.Observations;
import org.postbus.writer.Pipeline;
import org.postbus.writer.TestAccount;

class AccountQueuesTest {
    private static final int MANY = 3000;

    private final Pipeline pipeline = new Pipeline();
    private final TestAccount bob = TestAccount.create();

    @AfterEach
    void close() {
        pipeline.close();
    }

    @Test
    void a_record_does_not_wait_for_3000_of_another_tenant_that_were_read_before() {
        TenantId other = new TenantId(UUID.randomUUID());
        List<ConsumerRecord<String, RecordValue>> many = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            // Accounts that have been deleted, which costs as little as possible: the order counts here.
            many.add(record(other, new AccountId(UUID.randomUUID())));
        }
        ConsumerRecord<String, RecordValue> ofBob = Pipeline.record(bob, Observations.mailbox(INBOX));
        CompletableFuture<Void> all = pipeline.add(many);
        double before = gone();

        pipeline.add(List.of(ofBob)).join();

        assertThat(gone() - before).isLessThan(200);
        assertThat(bob.types()).containsExactly("mailbox.created");
        all.join();
        assertThat(gone()).isEqualTo(MANY);
    }

    @Test
    void the_tenant_is_read_from_the_first_fields_only() {
        TenantId tenant = new TenantId(UUID.randomUUID());
        assertThat(record(tenant, new AccountId(UUID.randomUUID())).value().tenant())
                .isEqualTo(tenant.toString());
        assertThat(ObservationDecoder.tenantText(
                        "{\"observations\":[1,2,3,4,5,6,7,8,9],\"tenantId\":\"x\"}".getBytes()))
                .isEmpty();
        assertThat(ObservationDecoder.tenantText("{\"tenantId\":".getBytes())).isEmpty();
        assertThat(ObservationDecoder.tenantText(null)).isEmpty();
    }

    /**
     * Alice's row is locked, and more records of it follow than there is memory for. Reading goes on: bob's record comes after all of them. Later
     * alice's records are read from Kafka again.
     */
    @Test
    void a_locked_account_with_more_records_than_memory_delays_no_other() throws Exception {
        TestAccount alice = TestAccount.create();
        int records = 30;
        int bytesMax = 100_000;
        try (Pipeline small = new Pipeline(new RecordMemory.Limits(
                        bytesMax, bytesMax / 2, bytesMax / 4, 1000, 1000, Duration.ofMillis(200)));
                Connection connection = DevStack.postgres().database().connectAsAdmin();
                KafkaConsumer<String, RecordValue> consumer = small.observations()) {
            connection.setAutoCommit(false);
            lock(connection, alice);
            List<byte[]> values = new ArrayList<>();
            values.add(EventCodec.encode(alice.nextBatch(List.of(Observations.mailbox(INBOX)))));
            for (int i = 1; i < records; i++) {
                values.add(EventCodec.encode(alice.nextBatch(
                        List.of(Observations.imap(INBOX, 1, i, Observations.email("m" + i + "@x")), unused(300)))));
            }
            long first = small.send(alice.account, 0, values);
            small.send(bob.account, 0, List.of(EventCodec.encode(bob.nextBatch(List.of(Observations.mailbox(INBOX))))));

            List<CompletableFuture<Void>> done = new ArrayList<>();
            long began = System.nanoTime();
            for (ConsumerRecord<String, RecordValue> record : small.read(consumer, 0, first, records + 1)) {
                AccountQueues.Added added = small.queues.add(record);
                done.add(added.done().toCompletableFuture());
                added.room().toCompletableFuture().get(30, TimeUnit.SECONDS);
                assertThat(small.memory.bytesHeld()).isLessThanOrEqualTo(bytesMax + 2 * 12_000);
            }
            done.getLast().get(30, TimeUnit.SECONDS);

            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
            assertThat(bob.types()).containsExactly("mailbox.created");
            assertThat(alice.changes()).isEmpty();
            assertThat(small.memory.recordsLeft()).isGreaterThan(records / 2);

            connection.rollback();
            CompletableFuture.allOf(done.toArray(CompletableFuture[]::new)).get(90, TimeUnit.SECONDS);

            assertThat(alice.number("select count(*) from email where account_id = ?"))
                    .isEqualTo(records - 1);
            assertThat(alice.number("select applied_seq from account_sync where account_id = ? and fence = 1"))
                    .isEqualTo(records);
            assertThat(small.memory.bytesHeld()).isZero();
            assertThat(small.memory.recordsLeft()).isZero();
        }
    }

    /** Each attempt holds a connection; there are fewer connections than locked accounts. */
    @Test
    void many_locked_accounts_of_two_tenants_delay_another_tenant_by_less_than_a_second() throws Exception {
        List<TestAccount> locked = new ArrayList<>();
        TestAccount other = TestAccount.create();
        for (int i = 0; i < 20; i++) {
            locked.add(i % 2 == 0 ? TestAccount.create() : TestAccount.createOf(other.tenant));
        }
        try (Connection connection = DevStack.postgres().database().connectAsAdmin()) {
            connection.setAutoCommit(false);
            for (TestAccount account : locked) {
                lock(connection, account);
            }
            List<ConsumerRecord<String, RecordValue>> records = new ArrayList<>();
            for (TestAccount account : locked) {
                records.add(pipeline.sent(account, Observations.mailbox(INBOX)));
            }
            CompletableFuture<Void> all = pipeline.add(records);
            Duration slowest = Duration.ZERO;
            for (int i = 0; i < 20; i++) {
                long began = System.nanoTime();
                pipeline.process(List.of(Pipeline.record(bob, Observations.state(INBOX, 1, "x" + i))));
                Duration took = Duration.ofNanos(System.nanoTime() - began);
                slowest = took.compareTo(slowest) > 0 ? took : slowest;
            }

            assertThat(slowest).isLessThan(Duration.ofSeconds(1));
            assertThat(all).isNotDone();
            connection.rollback();
            all.get(90, TimeUnit.SECONDS);
        }
        assertThat(locked).allSatisfy(account -> assertThat(account.types()).containsExactly("mailbox.created"));
    }

    /** About 10 KB. */
    private static UidsVanished unused(int ranges) {
        return new UidsVanished(
                INBOX,
                1,
                IntStream.range(0, ranges)
                        .mapToObj(i -> new UidRange(1_000_000_000L + 2 * i, 1_000_000_000L + 2 * i))
                        .toList());
    }

    private static void lock(Connection connection, TestAccount account) throws SQLException {
        try (var lock = connection.prepareStatement("select from account_sync where account_id = ? for update")) {
            lock.setObject(1, account.account.value());
            lock.execute();
        }
    }

    private double gone() {
        return pipeline.registry
                .get("postbus.batches")
                .tag("outcome", "account-gone")
                .counter()
                .count();
    }

    private static ConsumerRecord<String, RecordValue> record(TenantId tenant, AccountId account) {
        return Pipeline.record(
                0,
                account.toString(),
                EventCodec.encode(new ObservationBatch(tenant, account, 1, 1, List.of(Observations.mailbox(INBOX)))));
    }
}
