package org.postbus.gateway.body;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Arrays;
import org.postbus.gateway.body.ByteBudget.Claim;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/** Reads one body, on the request's event loop. What it holds is released when the response has ended or the connection is lost. */
final class BodyReader {
    /** The longest time without an octet. */
    static final Duration SILENCE_MAX = Duration.ofSeconds(20);
    /** 14 MiB at 50 KB/s. */
    private static final Duration TIME_MAX = Duration.ofMinutes(5);

    private static final int FIRST_BYTES = 1024;
    private static final byte[] NOTHING = {};

    private final RoutingContext routing;
    private final HttpServerRequest request;
    private final TenantId tenant;
    private final int octetsMax;
    private final ByteBudget small;
    private final ByteBudget large;

    // Not the buffers that arrive: a body in chunks of one octet would take a hundred times its size.
    private byte[] body = new byte[FIRST_BYTES];
    private int octets;
    private UniEmitter<? super byte[]> result;
    private ByteBudget budget;
    private long held;
    private long lastOctetNanos;
    private long timer;
    private boolean ended;

    BodyReader(RoutingContext routing, TenantId tenant, int octetsMax, ByteBudget small, ByteBudget large) {
        this.routing = routing;
        this.request = routing.request();
        this.tenant = tenant;
        this.octetsMax = octetsMax;
        this.small = small;
        this.large = large;
        this.budget = small;
    }

    /**
     * Fails with a problem: 413 if the body is larger than allowed, 408 if the client is too slow, 429 if the tenant's other bodies hold its
     * share of the memory, 503 if all tenants' bodies together hold all of it.
     */
    Uni<byte[]> read() {
        Context context = Vertx.currentContext();
        // Until the handlers are set.
        request.pause();
        return Uni.createFrom().emitter(emitter -> {
            result = emitter;
            context.runOnContext(started -> begin());
        });
    }

    private void begin() {
        long began = System.nanoTime();
        lastOctetNanos = began;
        routing.addEndHandler(done -> release());
        request.exceptionHandler(lost -> fail(Problem.badRequest("the body ended early, or is not valid HTTP")));
        request.handler(this::add);
        request.endHandler(end -> complete());
        timer = routing.vertx().setPeriodic(1_000, tick -> {
            long now = System.nanoTime();
            if (now - lastOctetNanos > SILENCE_MAX.toNanos() || now - began > TIME_MAX.toNanos()) {
                fail(Problem.timeout("the body did not arrive in time: send it within " + TIME_MAX.toMinutes()
                        + " minutes and without pauses of " + SILENCE_MAX.toSeconds() + " seconds"));
            }
        });
        if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
            request.response().writeContinue();
        }
        request.resume();
    }

    private void add(Buffer arrived) {
        if (ended) {
            return;
        }
        lastOctetNanos = System.nanoTime();
        int length = arrived.length();
        if (length > octetsMax - octets) {
            fail(RequestBodies.tooLarge(octetsMax));
            return;
        }
        switch (octets + length <= BodyOctetsMax.DEFAULT ? claim(small, length) : claimLarge(length)) {
            case GRANTED -> append(arrived);
            case TENANT_FULL ->
                fail(Problem.tooMany(
                        "the bodies of your other requests fill the memory that you may use; send them one after the other",
                        Duration.ofSeconds(1)));
            case FULL -> fail(Problem.unavailable("too many large requests are running; try again later"));
        }
    }

    private void append(Buffer arrived) {
        int length = octets + arrived.length();
        if (length > body.length) {
            body = Arrays.copyOf(body, Math.max(length, Math.min(octetsMax, 2 * body.length)));
        }
        arrived.getBytes(body, octets);
        octets = length;
    }

    private Claim claimLarge(int bytes) {
        if (budget == small) {
            Claim whole = large.claim(tenant, held + bytes);
            if (whole == Claim.GRANTED) {
                small.release(tenant, held);
                held += bytes;
                budget = large;
            }
            return whole;
        }
        return claim(large, bytes);
    }

    private Claim claim(ByteBudget from, int bytes) {
        Claim claim = from.claim(tenant, bytes);
        if (claim == Claim.GRANTED) {
            held += bytes;
        }
        return claim;
    }

    private void complete() {
        if (end()) {
            byte[] whole = octets == body.length ? body : Arrays.copyOf(body, octets);
            body = NOTHING;
            result.complete(whole);
        }
    }

    /** What still arrives is dropped: see UnreadBodies. */
    private void fail(Throwable failure) {
        if (end()) {
            release();
            result.fail(failure);
        }
    }

    private boolean end() {
        boolean first = !ended;
        ended = true;
        routing.vertx().cancelTimer(timer);
        return first;
    }

    private void release() {
        end();
        body = NOTHING;
        budget.release(tenant, held);
        held = 0;
    }
}
