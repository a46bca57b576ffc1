package org.postbus.fetcher.publish;

/**
 * Shows others that what was observed of an account waits for Kafka. A failure to show it must not end the wait: implementations throw nothing
 * but {@link InterruptedException}.
 */
public interface KafkaWaits {
    void begun() throws InterruptedException;

    void ended() throws InterruptedException;
}
