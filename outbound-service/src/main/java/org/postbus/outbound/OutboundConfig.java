package org.postbus.outbound;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** Settings of this service; {@code application.properties} names their environment variables. */
@ConfigMapping(prefix = "postbus.outbound")
public interface OutboundConfig {
    /** Names this process in logs and claims. */
    String instance();

    /** Accounts whose mutations are flushed at once. */
    @WithDefault("64")
    int flushesMax();

    /** Accounts whose submissions are sent at once. A message of 10 MiB takes about 50 MiB of heap while it is sent. */
    @WithDefault("8")
    int submissionsMax();

    /** A mutation that could not be applied for so long, because its server could not be used, has failed. */
    @WithDefault("3d")
    Duration mutationAgeMax();

    /** A message that could not be sent for so long has failed. RFC 5321 section 4.5.4.1 asks for 4 to 5 days. */
    @WithDefault("4d")
    Duration submissionAgeMax();

    /** Between two sweeps for due items without a notification. */
    @WithDefault("2s")
    Duration sweepPause();

    /** Between two counts of the queues, for gauges. */
    @WithDefault("15s")
    Duration queueStatesPause();

    /** How long mutations are kept after they were confirmed or rejected. At least a day, like the following four. */
    @WithDefault("7d")
    Duration keepMutations();

    /** How long submissions are kept after they were sent, rejected or canceled. */
    @WithDefault("30d")
    Duration keepSubmissions();

    /** How long changes are kept in the change log, which is deleted by weeks: up to a week longer. */
    @WithDefault("30d")
    Duration keepChanges();

    /** How long entries of the audit log are kept. */
    @WithDefault("365d")
    Duration keepAudit();

    /** How long records are kept that the writer could not apply. */
    @WithDefault("30d")
    Duration keepQuarantine();

    /** Between two runs that delete what is too old. */
    @WithDefault("10m")
    Duration retentionPause();
}
