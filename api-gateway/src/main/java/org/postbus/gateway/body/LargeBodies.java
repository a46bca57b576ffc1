package org.postbus.gateway.body;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/**
 * Works on large bodies: parses, composes and hashes them, on {@link #threads} threads and never on an event loop. Tenants with waiting work
 * take turns, so a tenant waits for one body of each other tenant at most, whatever the others have sent. Thread-safe.
 */
@ApplicationScoped
public class LargeBodies {
    /** Of one tenant; more are refused. */
    static final int WAITING_PER_TENANT_MAX = 32;

    private static final Duration WAIT_MAX = Duration.ofSeconds(30);
    /** While it is worked on, a message of 10 MiB takes about seven times its size: base64, its text, its content, the composed message. */
    private static final long HEAP_BYTES_PER_THREAD = 192L << 20;

    /** Those with work, in the order of their turns. */
    private final Map<TenantId, Queue<Task<?>>> waiting = new LinkedHashMap<>();

    private final int threadsMax;
    private int threads;
    private boolean ended;

    @Inject
    LargeBodies(MeterRegistry metrics) {
        this(threads(Runtime.getRuntime().maxMemory(), Runtime.getRuntime().availableProcessors()));
        metrics.gauge("postbus.gateway.bodies.waiting", this, LargeBodies::waiting);
    }

    LargeBodies(int threadsMax) {
        this.threadsMax = threadsMax;
    }

    static int threads(long heapBytes, int processors) {
        return Math.clamp(heapBytes / HEAP_BYTES_PER_THREAD, 1, processors);
    }

    /** @param givenUp true: nobody waits for the result any more */
    private record Task<T>(Supplier<T> work, UniEmitter<? super T> emitter, AtomicBoolean givenUp) {
        void run() {
            if (givenUp.get()) {
                return;
            }
            T result;
            try {
                result = work.get();
            } catch (RuntimeException | Error e) {
                emitter.fail(e);
                return;
            }
            emitter.complete(result);
        }
    }

    /**
     * Does the work when it is the tenant's turn; the result is on the caller's Vert.x context. Fails with what the work throws, with a 429
     * problem if {@value #WAITING_PER_TENANT_MAX} bodies of the tenant wait already, and with 503 if the turn does not come within 30
     * seconds.
     */
    public <T> Uni<T> work(TenantId tenant, Supplier<T> work) {
        Optional<Context> context = Optional.ofNullable(Vertx.currentContext());
        Uni<T> result = Uni.createFrom()
                .<T>emitter(emitter -> {
                    AtomicBoolean givenUp = new AtomicBoolean();
                    emitter.onTermination(() -> givenUp.set(true));
                    enqueue(tenant, new Task<>(work, emitter, givenUp));
                })
                .ifNoItem()
                .after(WAIT_MAX)
                .failWith(() -> Problem.unavailable("too many large requests are waiting; try again later"));
        return context.map(request -> result.emitOn(rest -> request.runOnContext(ignored -> rest.run())))
                .orElse(result);
    }

    /** As {@link #work}, but at once and on the caller's thread if the body is small. */
    public <T> Uni<T> work(TenantId tenant, byte[] body, Supplier<T> work) {
        return body == null || body.length <= BodyOctetsMax.DEFAULT
                ? Uni.createFrom().item(work)
                : work(tenant, work);
    }

    synchronized void stop(@Observes ShutdownEvent event) {
        ended = true;
        notifyAll();
    }

    private synchronized <T> void enqueue(TenantId tenant, Task<T> task) {
        Queue<Task<?>> ofTenant = waiting.computeIfAbsent(tenant, id -> new ArrayDeque<>());
        if (ofTenant.size() >= WAITING_PER_TENANT_MAX) {
            task.emitter()
                    .fail(Problem.tooMany(
                            "the limit of " + WAITING_PER_TENANT_MAX
                                    + " large requests that wait is reached; send them one after the other",
                            Duration.ofSeconds(1)));
            return;
        }
        ofTenant.add(task);
        if (threads < threadsMax) {
            threads++;
            Thread.ofPlatform().name("large-bodies-", threads).daemon().start(this::run);
        } else {
            notifyAll();
        }
    }

    private void run() {
        for (Optional<Task<?>> task = next(); task.isPresent(); task = next()) {
            task.get().run();
        }
    }

    /** Waits for work; empty at the end of the process. */
    private synchronized Optional<Task<?>> next() {
        try {
            while (!ended) {
                if (!waiting.isEmpty()) {
                    Map.Entry<TenantId, Queue<Task<?>>> turn =
                            waiting.entrySet().iterator().next();
                    TenantId tenant = turn.getKey();
                    Queue<Task<?>> ofTenant = turn.getValue();
                    Task<?> task = ofTenant.remove();
                    // To the end of the order.
                    waiting.remove(tenant);
                    if (!ofTenant.isEmpty()) {
                        waiting.put(tenant, ofTenant);
                    }
                    return Optional.of(task);
                }
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        threads--;
        return Optional.empty();
    }

    private synchronized int waiting() {
        return waiting.values().stream().mapToInt(Queue::size).sum();
    }
}
