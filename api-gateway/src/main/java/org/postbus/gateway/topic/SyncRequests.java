package org.postbus.gateway.topic;

import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.SyncRequest;

/** Publishes to {@link org.postbus.topic.Topics#SYNC_REQUESTS}. */
@ApplicationScoped
public class SyncRequests {
    private static final Logger LOG = Logger.getLogger(SyncRequests.class);

    private final MutinyEmitter<Record<String, byte[]>> channel;

    SyncRequests(@Channel("sync-requests") MutinyEmitter<Record<String, byte[]>> channel) {
        this.channel = channel;
    }

    /**
     * Completes when the broker has acknowledged the request. Fails with a 503 problem if it does not, or if more requests are waiting for it
     * than the channel buffers.
     */
    public Uni<Void> publish(TenantId tenant, AccountId account) {
        return Uni.createFrom()
                .deferred(() -> channel.send(
                        Record.of(account.toString(), EventCodec.encode(new SyncRequest(tenant, account)))))
                .ifNoItem()
                .after(Sends.MAX)
                .fail()
                .onFailure()
                .transform(failure -> {
                    LOG.warnf("the sync request of account %s was not published: %s", account, failure.getMessage());
                    return Problem.unavailable(
                            "the message broker is unavailable; repeat the request, or wait for the account's next poll");
                });
    }
}
