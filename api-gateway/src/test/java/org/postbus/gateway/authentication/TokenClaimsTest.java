package org.postbus.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.model.TenantId;

class TokenClaimsTest {
    private static final String TENANT = "01990000-0000-7000-8000-000000000001";

    @Test
    void scopes_are_a_list_or_a_text_and_unknown_ones_are_ignored() {
        TokenClaims expected = new TokenClaims(Optional.of(TenantId.of(TENANT)), Set.of(Scope.READ, Scope.SEND));

        assertThat(TokenClaims.of(TENANT, List.of("send", "openid", "read"))).contains(expected);
        assertThat(TokenClaims.of(TENANT, "openid read  send")).contains(expected);
    }

    @Test
    void an_operator_has_no_tenant_and_a_tenant_is_no_operator() {
        assertThat(TokenClaims.of(null, "operator")).contains(new TokenClaims(Optional.empty(), Set.of(Scope.ADMIN)));
        assertThat(TokenClaims.of(TENANT, "operator")).isEmpty();
        assertThat(TokenClaims.of(TENANT, "operator read").orElseThrow().scopes())
                .containsExactly(Scope.READ);
    }

    @Test
    void what_names_no_single_tenant_or_no_scope_allows_nothing() {
        assertThat(TokenClaims.of(null, "read")).isEmpty();
        assertThat(TokenClaims.of(TENANT, null)).isEmpty();
        assertThat(TokenClaims.of(TENANT, "openid")).isEmpty();
        assertThat(TokenClaims.of("acme", "read")).isEmpty();
        assertThat(TokenClaims.of(List.of(TENANT, TENANT), "read")).isEmpty();
        assertThat(TokenClaims.of(7, "read")).isEmpty();
        assertThat(TokenClaims.of("", "operator")).isEmpty();
    }
}
