package org.postbus.mail.jmap.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

class JmapSessionTest {
    private static final URI URL = URI.create("https://mail.example.com/jmap/session");

    @Test
    void session_with_nothing_but_an_api_url_has_the_defaults() {
        JmapSession session = read("{\"apiUrl\":\"https://mail.example.com/api\"}");

        assertThat(session.limits()).isEqualTo(JmapSession.Limits.DEFAULTS);
        assertThat(session.mailAccountId()).isEmpty();
        assertThat(session.eventSourceUrl()).isEmpty();
        assertThat(session.state()).isEmpty();
        assertThat(session.capabilities()).isEmpty();
    }

    @Test
    void relative_urls_and_templates_are_resolved_against_where_the_session_was() {
        JmapSession session = read("""
                {"apiUrl":"/api","downloadUrl":"dl/{accountId}/{blobId}","eventSourceUrl":"//push.example.com/?t={types}",
                 "uploadUrl":"http://other.example.com/up"}""");

        assertThat(session.apiUrl()).hasToString("https://mail.example.com/api");
        assertThat(session.downloadUrl()).contains("https://mail.example.com/jmap/dl/{accountId}/{blobId}");
        assertThat(session.eventSourceUrl()).contains("https://push.example.com/?t={types}");
        assertThat(session.uploadUrl()).contains("http://other.example.com/up");
    }

    @Test
    void a_session_that_would_take_much_memory_for_long_is_refused() {
        String half = "x".repeat(35_000); // Jackson refuses names above 50,000 characters itself
        for (String large : List.of(
                "\"state\":\"" + half + half + "\"",
                "\"downloadUrl\":\"/" + half + half + "\"",
                "\"capabilities\":{\"a" + half + "\":{},\"b" + half + "\":{}}")) {
            String session = "{\"apiUrl\":\"/api\"," + large + "}";
            assertThatThrownBy(() -> read(session))
                    .isInstanceOfSatisfying(
                            ServerException.class,
                            e -> assertThat(e.failure()).isInstanceOf(ServerFailure.LimitExceeded.class));
        }
    }

    @Test
    void account_for_mail_is_the_primary_one_else_one_that_offers_mail() {
        String mail = "\"urn:ietf:params:jmap:mail\"";
        assertThat(read("{\"apiUrl\":\"/\",\"primaryAccounts\":{" + mail + ":\"p\"},\"accounts\":{\"a\":{}}}")
                        .mailAccountId())
                .contains("p");
        assertThat(read("{\"apiUrl\":\"/\",\"accounts\":{\"a\":{},\"b\":{\"accountCapabilities\":{" + mail + ":{}}}}}")
                        .mailAccountId())
                .contains("b");
        assertThat(read("{\"apiUrl\":\"/\",\"accounts\":{\"only\":{}}}").mailAccountId())
                .contains("only");
    }

    @Test
    void invalid_limits_are_treated_as_missing() {
        JmapSession session = read("""
                {"apiUrl":"/","capabilities":{"urn:ietf:params:jmap:core":{"maxCallsInRequest":0,"maxObjectsInGet":"many",
                 "maxObjectsInSet":null,"maxConcurrentRequests":-1,"maxSizeRequest":99999999999,"maxSizeUpload":7}}}""");

        assertThat(session.limits().maxCallsInRequest()).isEqualTo(16);
        assertThat(session.limits().maxObjectsInGet()).isEqualTo(500);
        assertThat(session.limits().maxObjectsInSet()).isEqualTo(500);
        assertThat(session.limits().maxConcurrentRequests()).isEqualTo(4);
        assertThat(session.limits().maxSizeRequest()).isEqualTo(Integer.MAX_VALUE);
        assertThat(session.limits().maxSizeUpload()).isEqualTo(7);
    }

    @Test
    void invalid_session_is_refused() {
        assertThatThrownBy(() -> read("{}")).isInstanceOf(ServerException.class).hasMessageContaining("no apiUrl");
        assertThatThrownBy(() -> read("[]")).isInstanceOf(ServerException.class);
        assertThatThrownBy(() -> read("{\"apiUrl\":\"http://a b\"}")).isInstanceOf(ServerException.class);
    }

    @Test
    void template_variables_are_percent_encoded() {
        assertThat(UriTemplates.expand(
                        "/d/{accountId}/{blobId}?n={name}&x={none}",
                        Map.of("accountId", "a/b", "blobId", "x~.-_9", "name", "ü & $1")))
                .isEqualTo("/d/a%2Fb/x~.-_9?n=%C3%BC%20%26%20%241&x=");
    }

    private static JmapSession read(String json) {
        return JmapSession.read(EventCodec.decode(json, JsonNode.class), URL);
    }
}
