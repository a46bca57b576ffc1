package org.postbus.writer.publish;

import java.nio.charset.StandardCharsets;
import java.time.format.DateTimeFormatter;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.postbus.model.AccountId;
import org.postbus.topic.Topics;
import org.postbus.writer.table.ChangeRow;

/** Changes as records: CloudEvents 1.0, Kafka protocol binding, binary content mode. */
final class CloudEvents {
    private CloudEvents() {}

    static ProducerRecord<String, byte[]> of(AccountId account, ChangeRow row) {
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(Topics.CHANGES, account.toString(), row.data());
        Headers headers = record.headers();
        add(headers, "ce_specversion", "1.0");
        add(headers, "ce_id", row.eventId().toString());
        add(headers, "ce_type", row.type());
        add(headers, "ce_source", "/postbus/accounts/" + account);
        add(headers, "ce_time", DateTimeFormatter.ISO_INSTANT.format(row.at()));
        row.objectId().ifPresent(object -> add(headers, "ce_subject", object.toString()));
        add(headers, "content-type", "application/json");
        return record;
    }

    private static void add(Headers headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
