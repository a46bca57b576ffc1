package org.postbus.gateway.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * Limits of a tenant that has none of its own. Rates and numbers at once count in each gateway process, the others in the database. Each name
 * is also an environment variable, such as {@code POSTBUS_QUOTA_ACCOUNTS}.
 */
@ConfigMapping(prefix = "postbus.quota")
public interface QuotaDefaults {
    @WithDefault("1000")
    long accounts();

    @WithDefault("200")
    long requestsPerSecond();

    @WithDefault("1000")
    long requestsBurst();

    @WithDefault("4")
    long checksAtOnce();

    @WithDefault("60")
    long checksPerMinute();

    @WithDefault("30")
    long syncsPerAccountAndMinute();

    @WithDefault("50000")
    long queuedMutations();

    @WithDefault("1000")
    long queuedSubmissions();

    @WithDefault("1073741824")
    long queuedSubmissionBytes();

    @WithDefault("50000")
    long idempotencyKeys();

    @WithDefault("16")
    long downloadsAtOnce();

    @WithDefault("107374182400")
    long storedBytes();
}
