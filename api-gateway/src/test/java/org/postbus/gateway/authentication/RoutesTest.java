package org.postbus.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.gateway.authentication.Routes.Match;

class RoutesTest {
    private static final String ID = "01990000-0000-7000-8000-0000000000a1";

    @ParameterizedTest
    @CsvSource({
        "GET,    /v1/accounts,                           GET /v1/accounts",
        "GET,    /v1/accounts/,                          GET /v1/accounts",
        "HEAD,   /v1/accounts,                           GET /v1/accounts",
        "POST,   /v1/accounts/check,                     POST /v1/accounts/check",
        "GET,    /v1/accounts/check,                     GET /v1/accounts/{accountId}",
        "POST,   /v1/accounts/X/emails/batch,            POST /v1/accounts/{accountId}/emails/batch",
        "PATCH,  /v1/accounts/X/emails/batch,            PATCH /v1/accounts/{accountId}/emails/{emailId}",
        "POST,   /v1/accounts/X/mutations/retry,         POST /v1/accounts/{accountId}/mutations/retry",
        "DELETE, /v1/accounts/X/mutations/retry,         DELETE /v1/accounts/{accountId}/mutations/{mutationId}",
        "GET,    /v1/accounts/X/emails/Y/attachments/1.2, GET /v1/accounts/{accountId}/emails/{emailId}/attachments/{partId}",
        "POST,   /v1/admin/tenants/T/keys/K/rotate,      POST /v1/admin/tenants/{tenantId}/keys/{keyId}/rotate",
    })
    void a_path_has_one_route(String method, String path, String route) {
        Match match = Routes.find(method, path);

        assertThat(match)
                .isInstanceOfSatisfying(
                        Match.Found.class,
                        found -> assertThat(found.route().method() + " "
                                        + found.route().template())
                                .isEqualTo(route));
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /v1",
        "GET, /v1/",
        "GET, /v1/nothing",
        "GET, //v1/accounts",
        "GET, /v1//accounts",
        "GET, /v1/accounts//emails/x/y",
        "GET, /V1/accounts",
        "GET, /v1/accounts%2Fcheck",
        "GET, /v1/admin",
    })
    void an_unknown_path_has_none(String method, String path) {
        assertThat(Routes.find(method, path)).isEqualTo(new Match.Unknown());
    }

    @Test
    void a_method_that_a_path_does_not_have_is_told_from_an_unknown_path() {
        assertThat(Routes.find("PUT", "/v1/accounts")).isEqualTo(new Match.OtherMethod());
    }

    @Test
    void variables_have_the_names_of_the_template() {
        Match match = Routes.find("GET", "/v1/accounts/" + ID + "/emails/e1");

        assertThat(match)
                .isInstanceOfSatisfying(
                        Match.Found.class,
                        found -> assertThat(found.variables()).isEqualTo(Map.of("accountId", ID, "emailId", "e1")));
    }

    /** Operators read no mail, and tenants administer no tenants. */
    @Test
    void only_routes_under_admin_are_for_operators() {
        assertThat(Routes.ALL)
                .allSatisfy(route -> assertThat(route.requirement() instanceof Requirement.OfOperator)
                        .as(route.toString())
                        .isEqualTo(route.template().startsWith("/v1/admin/")));
    }

    /** A key that may only read can not change anything, except to ask for a sync, and for a message to be tried again in it. */
    @Test
    void reading_is_not_enough_to_change() {
        assertThat(Routes.ALL)
                .filteredOn(route -> route.requirement().equals(new Requirement.OfTenant(Scope.READ)))
                .filteredOn(route -> !route.method().equals("GET"))
                .extracting(Routes.Route::template)
                .containsExactlyInAnyOrder(
                        "/v1/accounts/{accountId}/sync", "/v1/accounts/{accountId}/quarantine/{quarantineId}/retry");
    }
}
