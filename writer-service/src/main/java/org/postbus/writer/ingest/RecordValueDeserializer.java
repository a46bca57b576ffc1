package org.postbus.writer.ingest;

import org.apache.kafka.common.serialization.Deserializer;

/** Named in the channel's configuration. Does not decode, because a record that cannot be decoded is quarantined. */
public final class RecordValueDeserializer implements Deserializer<RecordValue> {
    @Override
    public RecordValue deserialize(String topic, byte[] octets) {
        return octets == null ? null : new RecordValue(octets);
    }
}
