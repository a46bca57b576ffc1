package org.postbus.gateway.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/** The OpenID Connect provider whose tokens are accepted beside API keys. Without its URL there is none. */
@ConfigMapping(prefix = "postbus.oidc")
public interface OidcConfig {
    /** The provider's issuer URL, below which {@code /.well-known/openid-configuration} is. */
    Optional<URI> url();

    /** A token must name one of these. Required with the URL: a token that was issued for another service must not work here. */
    Optional<List<String>> audience();

    /** The claim with the tenant's id. A token without it, with the scope {@code operator}, is an operator's. */
    @WithDefault("postbus_tenant")
    String tenantClaim();

    /** The claim with the scopes: a list, or one text with spaces between them. */
    @WithDefault("postbus_scopes")
    String scopesClaim();
}
