package org.postbus.devstack.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;

class ApiKeyTest {
    @Test
    void a_key_is_found_by_its_hash_and_a_tenant_is_created_once() throws SQLException {
        Database database = DevStack.postgres().freshDatabase();
        ApiKey key = ApiKey.issue(database, "acme");
        ApiKey second = ApiKey.issue(database, "acme");
        assertThat(key.text().reveal()).startsWith("pb_").hasSize(3 + 43);
        assertThat(second.tenant()).isEqualTo(key.tenant());
        assertThat(ApiKey.issue(database, "other").tenant()).isNotEqualTo(key.tenant());
        try (Connection gateway = database.connect(Role.GATEWAY);
                PreparedStatement query =
                        gateway.prepareStatement("SELECT tenant_of_api_key(sha256(convert_to(?, 'UTF8')))")) {
            query.setString(1, key.text().reveal());
            var row = query.executeQuery();
            row.next();
            assertThat(row.getObject(1, UUID.class)).isEqualTo(key.tenant().value());
        }
    }
}
