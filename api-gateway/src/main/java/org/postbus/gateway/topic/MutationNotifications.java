package org.postbus.gateway.topic;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.postbus.codec.EventCodec;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.CoalescedNotifications;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

/**
 * Publishes to {@link org.postbus.topic.Topics#MUTATIONS} in the background: outbound-service then reads the account's queue at once.
 * Notifications of one account that wait together become one record. A lost notification loses nothing, because outbound-service
 * also polls for what is due.
 */
@ApplicationScoped
public class MutationNotifications {
    /** Below the 128 records that the channel buffers: a send is never refused. */
    private static final int ACCOUNTS_AT_ONCE = 64;

    private final MutinyEmitter<Record<String, byte[]>> channel;
    private final Counter lost;
    private final CoalescedNotifications<MutationNotification> notifications;

    MutationNotifications(@Channel("mutations") MutinyEmitter<Record<String, byte[]>> channel, MeterRegistry metrics) {
        this.channel = channel;
        this.lost = metrics.counter("postbus.gateway.bells.lost");
        this.notifications = new CoalescedNotifications<>(
                "mutation-notification",
                CoalescedNotifications.Limits.ONE_AT_A_TIME.withKeysAtOnce(ACCOUNTS_AT_ONCE),
                this::send);
    }

    void stop(@Observes ShutdownEvent event) {
        notifications.close();
    }

    /** Never blocks. Called after the commit of what outbound-service is to find. */
    public void notify(TenantId tenant, AccountId account) {
        if (!notifications.notify(new MutationNotification(tenant, account))) {
            lost.increment();
        }
    }

    private void send(MutationNotification notification) throws InterruptedException {
        try {
            Await.infrastructure(
                    "publishing a mutation notification",
                    channel.send(Record.of(notification.accountId().toString(), EventCodec.encode(notification)))
                            .subscribeAsCompletionStage(),
                    Sends.MAX);
        } catch (InfrastructureFailureException e) {
            lost.increment();
            throw e;
        }
    }
}
