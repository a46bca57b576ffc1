package org.postbus.outbound;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;

/** Settings of this service; {@code application.properties} names their environment variables. */
@ConfigMapping(prefix = "postbus.outbound")
public interface OutboundConfig {
    /** The Tink keyset that credentials are encrypted with. */
    Path keyset();

    /** This process among its like, in logs and claims. */
    String instance();

    /** Accounts that are flushed at once. */
    @WithDefault("64")
    int flushesMax();

    /** Accounts that messages are sent for at once. A message of 10 MiB takes about 50 MiB of heap while it is sent. */
    @WithDefault("8")
    int submissionsMax();

    /** Between two looks for mutations that are due and were not rung for. */
    @WithDefault("2s")
    Duration sweepPause();

    /** Between two looks at how much waits in the queues, for gauges. */
    @WithDefault("15s")
    Duration queueStatesPause();

    /** Mutations that were confirmed or rejected so long ago are deleted; at least a day, as the following. */
    @WithDefault("7d")
    Duration keepMutations();

    /** Messages that were sent, rejected or canceled so long ago are deleted. */
    @WithDefault("30d")
    Duration keepSubmissions();

    /** Older changes are deleted from the change log. */
    @WithDefault("30d")
    Duration keepChanges();

    /** Between two looks for what is too old. */
    @WithDefault("10m")
    Duration retentionPause();
}
