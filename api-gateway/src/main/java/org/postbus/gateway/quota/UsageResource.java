package org.postbus.gateway.quota;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.database.Sessions;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "usage", description = "What the tenant may use and uses")
public class UsageResource {
    private final Caller caller;
    private final Sessions sessions;
    private final TenantQuotas quotas;
    private final Stock stock;
    private final AtOnce atOnce;
    private final StoredBytes storedBytes;

    UsageResource(
            Caller caller,
            Sessions sessions,
            TenantQuotas quotas,
            Stock stock,
            AtOnce atOnce,
            StoredBytes storedBytes) {
        this.caller = caller;
        this.sessions = sessions;
        this.quotas = quotas;
        this.stock = stock;
        this.atOnce = atOnce;
        this.storedBytes = storedBytes;
    }

    /**
     * @param list of all quotas
     * @param storedBytesMeasuredAt absent before the first measurement
     */
    record Usage(List<OfQuota> list, Optional<Instant> storedBytesMeasuredAt) {}

    /**
     * @param own whether the limit was set for this tenant, so the default does not count
     * @param used absent for a rate
     */
    record OfQuota(String quota, long limit, boolean own, Optional<Long> used) {}

    @GET
    @Path("/usage")
    @Operation(
            summary = "The tenant's quotas and what it uses of them",
            description =
                    "A request that would exceed a quota is answered with 429 and Retry-After if time helps, otherwise with 403 and the"
                            + " property quota. Rates, and the numbers at once, count in each gateway process. storedBytes is measured in the"
                            + " background, at most every 10 minutes: it lags; sync goes on when it is used up.")
    public Uni<Usage> usage() {
        TenantId tenant = caller.tenant();
        storedBytes.measureSoon(tenant);
        return quotas.read(tenant)
                .chain(limits -> sessions.read(
                        tenant,
                        session -> stored(session, tenant)
                                .chain(used -> measuredAt(session)
                                        .map(measuredAt -> new Usage(
                                                Stream.of(Quota.values())
                                                        .map(quota -> of(quota, limits, used(tenant, quota, used)))
                                                        .toList(),
                                                measuredAt)))));
    }

    private static OfQuota of(Quota quota, Limits limits, Optional<Long> used) {
        return new OfQuota(quota.wireName(), limits.of(quota), limits.own().containsKey(quota), used);
    }

    private Optional<Long> used(TenantId tenant, Quota quota, Map<Quota, Long> stored) {
        return switch (quota.kind()) {
            case STOCK -> Optional.of(stored.get(quota));
            case AT_ONCE -> Optional.of(atOnce.running(tenant, quota));
            case RATE -> Optional.empty();
        };
    }

    private Uni<Map<Quota, Long>> stored(Mutiny.Session session, TenantId tenant) {
        Uni<Map<Quota, Long>> all = Uni.createFrom().item(new EnumMap<>(Quota.class));
        for (Quota quota : Quota.values()) {
            if (quota.kind() == Quota.Kind.STOCK) {
                // One after the other: branches would share the session.
                all = all.chain(counts -> stock.used(session, tenant, quota)
                        .invoke(used -> counts.put(quota, used))
                        .replaceWith(counts));
            }
        }
        return all;
    }

    private static Uni<Optional<Instant>> measuredAt(Mutiny.Session session) {
        return session.createNativeQuery(
                        "select cast(extract(epoch from measured_at) as bigint) from tenant_storage", Long.class)
                .getSingleResultOrNull()
                .map(seconds -> Optional.ofNullable(seconds).map(Instant::ofEpochSecond));
    }
}
