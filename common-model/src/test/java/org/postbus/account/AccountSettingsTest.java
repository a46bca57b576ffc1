package org.postbus.account;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.event.EventCodec;

/** As they are stored; what is stored was written by any version. */
class AccountSettingsTest {
    private static final URI SESSION = URI.create("https://jmap.example.com/session");

    @Test
    void settings_of_before_there_were_account_ids_mean_the_primary_account_all_on_one_host() {
        assertThat(EventCodec.decode(
                        "{\"protocol\":\"jmap\",\"username\":\"bob\",\"sessionUrl\":\"https://jmap.example.com/session\"}",
                        AccountSettings.class))
                .isEqualTo(new AccountSettings.Jmap("bob", SESSION));
    }

    @Test
    void the_account_id_and_the_trusted_hosts_are_stored() {
        AccountSettings settings =
                new AccountSettings.Jmap("bob", SESSION, Optional.of("A2"), List.of("cdn.example.net"));

        String json = EventCodec.encodeToString(settings);

        assertThat(json).contains("\"accountId\":\"A2\"").contains("\"trustedHosts\":[\"cdn.example.net\"]");
        assertThat(EventCodec.decode(json, AccountSettings.class)).isEqualTo(settings);
    }
}
