package org.postbus.gateway.body;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Response;
import java.io.ByteArrayInputStream;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/**
 * Reads the body of every request that a resource answers, after the request was authenticated and matched, and counts its octets while they
 * arrive: a body needs no Content-Length to be refused. The resource gets it whole.
 *
 * <p>Bodies that are held count against a budget until the response has ended: one of an eighth of the heap for the large ones, one of a
 * sixteenth for the others. A tenant may hold half of the first and a quarter of the second.
 */
final class RequestBodies {
    private static final Set<String> WITHOUT_BODY = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    /** Holds the share of requests that belong to no tenant. */
    private static final TenantId OPERATOR = new TenantId(new UUID(0, 0));

    private static final long LARGE_BYTES_MIN = 32L << 20;
    private static final long SMALL_BYTES_MIN = 8L << 20;

    private final Caller caller;
    private final ByteBudget large;
    private final ByteBudget small;

    RequestBodies(Caller caller, MeterRegistry metrics) {
        this.caller = caller;
        long heap = Runtime.getRuntime().maxMemory();
        long largeMax = Math.max(LARGE_BYTES_MIN, heap / 8);
        long smallMax = Math.max(SMALL_BYTES_MIN, heap / 16);
        this.large = new ByteBudget(largeMax, largeMax / 2);
        this.small = new ByteBudget(smallMax, smallMax / 4);
        Gauge.builder("postbus.gateway.bodies", this, bodies -> bodies.large.held() + bodies.small.held())
                .baseUnit("bytes")
                .register(metrics);
    }

    @ServerRequestFilter
    Uni<Response> read(ContainerRequestContext request, ResourceInfo resource, RoutingContext routing) {
        HttpServerRequest http = routing.request();
        if (WITHOUT_BODY.contains(request.getMethod()) || !hasBody(http)) {
            return Uni.createFrom().nullItem();
        }
        int octetsMax = Optional.ofNullable(resource.getResourceMethod().getAnnotation(BodyOctetsMax.class))
                .map(BodyOctetsMax::value)
                .orElse(BodyOctetsMax.DEFAULT);
        if (declaresMoreThan(octetsMax, http)) {
            throw tooLarge(octetsMax);
        }
        return new BodyReader(routing, caller.find().orElse(OPERATOR), octetsMax, small, large)
                .read()
                .invoke(body -> request.setEntityStream(new ByteArrayInputStream(body)))
                .replaceWith((Response) null);
    }

    static boolean hasBody(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return request.headers().contains(HttpHeaders.TRANSFER_ENCODING) || length != null && !length.equals("0");
    }

    /** The HTTP server has refused a Content-Length that is no number. */
    private static boolean declaresMoreThan(int octetsMax, HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return length != null && Long.parseLong(length.strip()) > octetsMax;
    }

    static RuntimeException tooLarge(int octetsMax) {
        return Problem.tooLarge("the body of this request may have " + octetsMax + " octets at most; send less");
    }
}
