package org.postbus.gateway.topic;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.jboss.logging.Logger;
import org.postbus.event.EventCodec;
import org.postbus.event.MutationBell;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Publishes to {@link org.postbus.event.Topics#MUTATIONS} in the background: outbound-service then reads the account's queue at once.
 * Notifications of one account that wait together become one record. A lost notification loses nothing, because outbound-service
 * also polls for what is due.
 */
@ApplicationScoped
public class MutationNotifications {
    private static final Logger LOG = Logger.getLogger(MutationNotifications.class);
    private static final int WAITING_MAX = 10_000;

    private final MutinyEmitter<Record<String, byte[]>> channel;
    private final Counter lost;
    private final BlockingQueue<MutationBell> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private volatile Thread loop;

    MutationNotifications(
            @Channel("mutations") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = WAITING_MAX)
                    MutinyEmitter<Record<String, byte[]>> channel,
            MeterRegistry metrics) {
        this.channel = channel;
        this.lost = metrics.counter("postbus.gateway.bells.lost");
    }

    void start(@Observes StartupEvent event) {
        loop = Thread.ofVirtual().name("mutation-notifications").start(this::run);
    }

    void stop(@Observes ShutdownEvent event) {
        loop.interrupt();
    }

    /** Never blocks. Called after the commit of what outbound-service is to find. */
    public void notify(TenantId tenant, AccountId account) {
        if (!waiting.offer(new MutationBell(tenant, account))) {
            lost.increment();
        }
    }

    private void run() {
        List<MutationBell> taken = new ArrayList<>();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                taken.clear();
                taken.add(waiting.take());
                waiting.drainTo(taken);
                new LinkedHashSet<>(taken).forEach(this::send);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void send(MutationBell notification) {
        channel.send(Record.of(notification.accountId().toString(), EventCodec.encode(notification)))
                .subscribe()
                .with(sent -> {}, failure -> {
                    lost.increment();
                    LOG.debugf(
                            "the notification of account %s was not published: %s",
                            notification.accountId(), failure.getMessage());
                });
    }
}
