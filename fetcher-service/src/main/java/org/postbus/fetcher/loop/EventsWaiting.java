package org.postbus.fetcher.loop;

import java.time.Duration;
import java.util.Optional;
import org.postbus.fetcher.publish.PublisherMetrics;
import org.postbus.fetcher.source.InfrastructureOutage;

/** Whether what happens on the mail servers waits here because the database or Kafka is unavailable. */
public class EventsWaiting {
    /** Kafka acknowledges a batch within milliseconds, after the crash of a broker within seconds. */
    static final Duration ACKNOWLEDGEMENT_MAX = Duration.ofSeconds(10);

    private final InfrastructureOutage outage;
    private final PublisherMetrics published;

    public EventsWaiting(InfrastructureOutage outage, PublisherMetrics published) {
        this.outage = outage;
        this.published = published;
    }

    /** What they wait for; empty if they do not. */
    public Optional<String> reason() {
        Optional<String> failure = outage.present().map(lasting -> lasting.text() + ", since " + lasting.since());
        Duration oldest = published.oldestUnacknowledged();
        return failure.or(() -> oldest.compareTo(ACKNOWLEDGEMENT_MAX) > 0
                ? Optional.of("Kafka has not acknowledged a batch for " + oldest.toSeconds() + " s")
                : Optional.empty());
    }
}
