package org.postbus.gateway.authentication;

import io.vertx.ext.web.RoutingContext;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Optional;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.gateway.audit.AuditLog;
import org.postbus.model.TenantId;

/** A request whose credential is valid and allows its route. Routes below the REST framework get it with {@link #of}. */
public final class AuthenticatedRequest {
    private static final String KEY = AuthenticatedRequest.class.getName();

    private final Identity identity;
    private final Routes.Match.Found match;
    private final InetAddress address;
    private final String requestId;
    private volatile boolean appended;

    AuthenticatedRequest(Identity identity, Routes.Match.Found match, InetAddress address, String requestId) {
        this.identity = identity;
        this.match = match;
        this.address = address;
        this.requestId = requestId;
    }

    /** @throws IllegalStateException if the request was not authenticated */
    public static AuthenticatedRequest of(RoutingContext context) {
        AuthenticatedRequest request = context.get(KEY);
        if (request == null) {
            throw new IllegalStateException("the request was not authenticated");
        }
        return request;
    }

    /** Empty outside of {@code /v1}, where no credential is needed. */
    public static Optional<AuthenticatedRequest> find(RoutingContext context) {
        return Optional.ofNullable(context.get(KEY));
    }

    void attach(RoutingContext context) {
        context.put(KEY, this);
    }

    public Identity identity() {
        return identity;
    }

    /** @throws IllegalStateException for an operator, who can not call the routes of a tenant */
    public TenantId tenant() {
        return identity.tenant().orElseThrow(() -> new IllegalStateException("an operator has no tenant"));
    }

    /**
     * The entry for the audit log about this request, if it succeeds. Whoever calls this appends the entry in the transaction that does what was
     * requested; without that the entry is stored after the answer.
     *
     * @param object the id of what is changed
     */
    public AuditEntry entry(String object) {
        return appended(identity.tenant(), object);
    }

    /** As {@link #entry(String)}, in the audit log of the tenant that an operator administers. */
    public AuditEntry entry(TenantId tenant, String object) {
        return appended(Optional.of(tenant), object);
    }

    private AuditEntry appended(Optional<TenantId> tenant, String object) {
        appended = true;
        return entry(tenant, object, 200);
    }

    /** Stores an entry about the answered request, unless its transaction has done so or it changed nothing. */
    void log(AuditLog log, LoggedRefusals refusals, int status) {
        boolean changed = status < 400 && !appended && match.route().isAudited();
        boolean refused = status == 403 && refusals.isDue(identity.actor(), match.route());
        // A transaction that failed has rolled its entry back.
        boolean failed = appended && status >= 400;
        if (changed || refused || failed) {
            log.add(entry(identity.tenant(), String.join("/", match.variables().values()), status));
        }
    }

    private AuditEntry entry(Optional<TenantId> tenant, String object, int status) {
        return new AuditEntry(
                tenant.map(TenantId::value),
                Instant.now(),
                identity.actor().text(),
                Optional.of(address.getHostAddress()),
                Optional.of(requestId),
                match.route().method() + " " + match.route().template(),
                Optional.of(object),
                AuditEntry.outcome(status),
                Optional.of(status));
    }
}
