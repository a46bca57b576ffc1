package org.postbus.account;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;

/** What was stored by an earlier version; what this one stores is in the golden files. */
class AccountSettingsTest {
    @Test
    void settings_of_before_there_were_account_ids_mean_the_primary_account_all_on_one_host() {
        assertThat(EventCodec.decode(
                        "{\"protocol\":\"jmap\",\"username\":\"bob\",\"sessionUrl\":\"https://jmap.example.com/session\"}",
                        AccountSettings.class))
                .isEqualTo(new AccountSettings.Jmap("bob", URI.create("https://jmap.example.com/session")));
    }
}
