package org.postbus.writer.ingest;

import java.util.Optional;

/** The octets of a record's value. They can be released while the record waits, and are then read from Kafka again. Thread-safe. */
public final class RecordValue {
    private final int length;
    private final String tenant;
    private volatile byte[] octets;

    RecordValue(byte[] octets) {
        this.length = octets.length;
        this.tenant = ObservationDecoder.tenantText(octets);
        this.octets = octets;
    }

    /** In octets, also when they have been released. */
    int length() {
        return length;
    }

    /** What the record says is its tenant: who waits for whom depends on it, nothing else. Empty if it does not say. */
    String tenant() {
        return tenant;
    }

    /** Empty if they have been released. */
    Optional<byte[]> octets() {
        return Optional.ofNullable(octets);
    }

    void release() {
        octets = null;
    }

    void restore(byte[] again) {
        octets = again;
    }
}
