package org.postbus.gateway.mutation;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.TopicProducer;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.Topics;

/**
 * Rings {@code postbus.mutations} behind the request's back. Many wishes and messages of one account that wait together are one ring. A
 * ring that is lost loses nothing: outbound-service looks for what is due by itself.
 */
@ApplicationScoped
public class MutationBells {
    private static final Logger LOG = Logger.getLogger(MutationBells.class);
    private static final int WAITING_MAX = 10_000;

    private final TopicProducer topics;
    private final Counter lost;
    private final BlockingQueue<MutationNotification> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private volatile Thread loop;

    MutationBells(TopicProducer topics, MeterRegistry metrics) {
        this.topics = topics;
        this.lost = metrics.counter("postbus.gateway.bells.lost");
    }

    void start(@Observes StartupEvent event) {
        loop = Thread.ofVirtual().name("mutation-bells").start(this::run);
    }

    void stop(@Observes ShutdownEvent event) {
        loop.interrupt();
    }

    /** Never blocks. */
    public void ring(TenantId tenant, AccountId account) {
        if (!waiting.offer(new MutationNotification(tenant, account))) {
            lost.increment();
        }
    }

    private void run() {
        List<MutationNotification> taken = new ArrayList<>();
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

    private void send(MutationNotification bell) {
        topics.send(Topics.MUTATIONS, bell.accountId(), EventCodec.encode(bell)).whenComplete((sent, failure) -> {
            if (failure != null) {
                lost.increment();
                LOG.debugf("the bell of account %s did not ring: %s", bell.accountId(), failure.getMessage());
            }
        });
    }
}
