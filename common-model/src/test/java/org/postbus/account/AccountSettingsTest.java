package org.postbus.account;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;

/** Settings as earlier builds stored them. Those of this build are in the golden files. */
class AccountSettingsTest {
    @Test
    void settings_without_account_id_mean_the_primary_account_on_one_host() {
        assertThat(EventCodec.decode(
                        "{\"protocol\":\"jmap\",\"username\":\"bob\",\"sessionUrl\":\"https://jmap.example.com/session\"}",
                        AccountSettings.class))
                .isEqualTo(new AccountSettings.Jmap("bob", URI.create("https://jmap.example.com/session")));
    }
}
