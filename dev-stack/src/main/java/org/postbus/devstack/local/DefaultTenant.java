package org.postbus.devstack.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.process.Secrets;
import org.postbus.model.TenantId;

/** The tenant that a local Postbus has from its first start, and a key of it with all scopes. Both are made through the admin API. */
final class DefaultTenant {
    private static final String NAME = "default";
    private static final List<String> SCOPES = List.of("read", "mutate", "send", "accounts", "admin");

    private DefaultTenant() {}

    /** @param file holds the key of an earlier start, which is used again while it is valid */
    static ApiKey key(URI api, Path operatorKeyFile, Path file) throws IOException {
        try (PostbusApi operator =
                new PostbusApi(api, new Secret(Files.readString(operatorKeyFile).strip()))) {
            TenantId tenant = tenant(operator);
            Optional<Secret> stored = Files.exists(file)
                    ? Optional.of(new Secret(Files.readString(file).strip()))
                    : Optional.empty();
            if (stored.isPresent() && isValid(api, stored.get())) {
                return new ApiKey(tenant, stored.get());
            }
            ObjectNode request = EventCodec.mapper().createObjectNode().put("name", "first key");
            ArrayNode scopes = request.putArray("scopes");
            SCOPES.forEach(scopes::add);
            JsonNode created =
                    operator.post("admin/tenants/" + tenant + "/keys", request).expect(201);
            Secret secret = new Secret(created.get("secret").asText());
            Secrets.writePrivately(file, secret.reveal());
            return new ApiKey(tenant, secret);
        }
    }

    private static TenantId tenant(PostbusApi operator) {
        JsonNode found = operator.get("admin/tenants?name=" + NAME).expect(200).get("list");
        JsonNode tenant = found.isEmpty()
                ? operator.post(
                                "admin/tenants",
                                EventCodec.mapper().createObjectNode().put("name", NAME))
                        .expect(201)
                : found.get(0);
        return TenantId.of(tenant.get("id").asText());
    }

    /** A suspended tenant's key is valid. */
    private static boolean isValid(URI api, Secret key) {
        try (PostbusApi own = new PostbusApi(api, key)) {
            return own.get("accounts?limit=1").status() != 401;
        }
    }
}
