package org.postbus.outbound.flush;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import java.time.Duration;
import java.util.function.Function;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.CoalescedNotifications;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.SyncRequest;

/**
 * Publishes sync requests for accounts whose server has just changed. Requests of one account that wait together are one. A request that
 * cannot be published is only logged: the account's next poll finds the same changes. Thread-safe.
 */
public final class SyncRequestPublisher implements AutoCloseable {
    /** Records on their way at once. */
    private static final int AT_ONCE_MAX = 64;

    private static final Duration ACK_TIME_MAX = Duration.ofSeconds(30);

    private final CoalescedNotifications<SyncRequest> requests;

    /** @param topic completes when the broker has acknowledged the record */
    public SyncRequestPublisher(Function<SyncRequest, Uni<Void>> topic) {
        requests = new CoalescedNotifications<>(
                "sync-request",
                CoalescedNotifications.Limits.ONE_AT_A_TIME.withKeysAtOnce(AT_ONCE_MAX),
                request -> Await.infrastructure(
                        "publishing a sync request", UniHelper.toFuture(topic.apply(request)), ACK_TIME_MAX));
    }

    /** Returns at once. */
    public void publish(TenantId tenant, AccountId account) {
        requests.notify(new SyncRequest(tenant, account));
    }

    @Override
    public void close() {
        requests.close();
    }
}
