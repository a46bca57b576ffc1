package org.postbus.gateway.authentication;

import io.quarkus.oidc.OidcRequestContext;
import io.quarkus.oidc.OidcTenantConfig;
import io.quarkus.oidc.TenantConfigResolver;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import org.postbus.gateway.config.OidcConfig;

/** Tells the framework which provider's tokens to verify: signature, issuer, audience and time. It is asked at the first token. */
@ApplicationScoped
class OidcProvider implements TenantConfigResolver {
    private static final String ID = "postbus";

    private final Optional<OidcTenantConfig> configuration;

    /** @throws IllegalArgumentException if there is a URL and no audience */
    OidcProvider(OidcConfig config) {
        this.configuration = config.url()
                .map(url -> OidcTenantConfig.authServerUrl(url.toString())
                        .tenantId(ID)
                        .applicationType(io.quarkus.oidc.runtime.OidcTenantConfig.ApplicationType.SERVICE)
                        .token()
                        .audience(config.audience()
                                .orElseThrow(() -> new IllegalArgumentException(
                                        "POSTBUS_OIDC_AUDIENCE is required with POSTBUS_OIDC_URL")))
                        .subjectRequired()
                        .allowJwtIntrospection(false)
                        .allowOpaqueTokenIntrospection(false)
                        .end()
                        .build());
    }

    boolean isConfigured() {
        return configuration.isPresent();
    }

    @Override
    public Uni<OidcTenantConfig> resolve(RoutingContext context, OidcRequestContext<OidcTenantConfig> requestContext) {
        return configuration.map(found -> Uni.createFrom().item(found)).orElse(null);
    }
}
