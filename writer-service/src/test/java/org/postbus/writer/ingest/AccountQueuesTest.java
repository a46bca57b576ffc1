package org.postbus.writer.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.topic.Topics;
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
        List<ConsumerRecord<String, byte[]>> many = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            // Accounts that have been deleted, which costs as little as possible: the order counts here.
            many.add(record(other, new AccountId(UUID.randomUUID())));
        }
        ConsumerRecord<String, byte[]> ofBob = Pipeline.record(bob, Observations.mailbox(INBOX));
        CompletableFuture<Void> all = pipeline.queues.add(many);
        double before = gone();

        pipeline.queues.add(List.of(ofBob)).join();

        assertThat(gone() - before).isLessThan(200);
        assertThat(bob.types()).containsExactly("mailbox.created");
        all.join();
        assertThat(gone()).isEqualTo(MANY);
    }

    @Test
    void the_tenant_is_read_from_the_first_fields_only() {
        TenantId tenant = new TenantId(UUID.randomUUID());
        assertThat(ObservationDecoder.tenantText(
                        record(tenant, new AccountId(UUID.randomUUID())).value()))
                .isEqualTo(tenant.toString());
        assertThat(ObservationDecoder.tenantText(
                        "{\"observations\":[1,2,3,4,5,6,7,8,9],\"tenantId\":\"x\"}".getBytes()))
                .isEmpty();
        assertThat(ObservationDecoder.tenantText("{\"tenantId\":".getBytes())).isEmpty();
        assertThat(ObservationDecoder.tenantText(null)).isEmpty();
    }

    private double gone() {
        return pipeline.registry
                .get("postbus.batches")
                .tag("outcome", "account-gone")
                .counter()
                .count();
    }

    private static ConsumerRecord<String, byte[]> record(TenantId tenant, AccountId account) {
        return new ConsumerRecord<>(
                Topics.OBSERVATIONS,
                0,
                0,
                account.toString(),
                EventCodec.encode(new ObservationBatch(tenant, account, 1, 1, List.of(Observations.mailbox(INBOX)))));
    }
}
