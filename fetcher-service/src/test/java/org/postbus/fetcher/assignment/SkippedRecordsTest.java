package org.postbus.fetcher.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.topic.AccountRecord;

class SkippedRecordsTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final SkippedRecords skips = new SkippedRecords(meters);
    private final ConsumerRecord<String, byte[]> record = new ConsumerRecord<>(
            "postbus.accounts", 3, 4, UUID.randomUUID().toString(), "{".getBytes(StandardCharsets.US_ASCII));

    @Test
    void whatever_a_record_causes_the_next_one_is_handled() {
        for (Throwable cause :
                List.of(new NullPointerException(), new ClassCastException(), new StackOverflowError())) {
            skips.unlessBroken(record, () -> SkippedRecordsTest.<RuntimeException>fail(cause));
        }
        skips.unlessBroken(record, () -> EventCodec.decode(record.value(), AccountRecord.class));

        assertThat(meters.counter("postbus.fetcher.records.skipped", "topic", "postbus.accounts")
                        .count())
                .isEqualTo(4);
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void fail(Throwable cause) throws T {
        throw (T) cause;
    }
}
