package org.postbus.outbound.flush;

import io.vertx.core.Vertx;
import java.util.function.DoubleSupplier;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.outbound.queue.OutboundMetrics;

/**
 * What both flushers are given.
 *
 * @param claimant names this process in claims; a restarted process has another name
 * @param jitter yields numbers from 0 to 1, see {@link org.postbus.outbound.retry.RetrySchedule}
 */
public record FlushContext(
        Vertx vertx,
        TenantTransactions database,
        String claimant,
        SyncRequestPublisher syncRequests,
        OutboundMetrics metrics,
        DoubleSupplier jitter) {}
