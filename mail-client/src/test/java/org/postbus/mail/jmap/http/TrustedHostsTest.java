package org.postbus.mail.jmap.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.account.AccountSettings;

class TrustedHostsTest {

    @ParameterizedTest
    @CsvSource({
        "mail.example.com,,                mail.example.com,     true",
        "mail.example.com,,                MAIL.Example.COM,     true",
        "mail.example.com,,                blobs.mail.example.com, true",
        "mail.example.com,,                blobs.example.com,    false",
        "mail.example.com,,                example.com,          false",
        "mail.example.com,,                evilmail.example.com, false",
        "mail.example.com,,                mail.example.com.evil.net, false",
        "mail.example.com, example.com,    blobs.example.com,    true",
        "mail.example.com, Cdn.Example.net, cdn.example.net,     true",
        "mail.example.com, cdn.example.net, example.net,         false",
        "mail.example.com, net,            cdn.example.net,      false",
        "mail,,                            blobs.mail,           false",
        "10.0.0.1,,                        10.0.0.1,             true",
        "10.0.0.1,,                        10.0.0.2,             false",
        "api.fastmail.com,,                phl.api.fastmail.com, true",
        "api.fastmail.com,,                phl-www.fastmailusercontent.com, true",
        "mail.example.com,,                www.fastmailusercontent.com, false",
    })
    void the_credential_goes_to_the_session_host_and_to_what_is_named(
            String sessionHost, String named, String host, boolean trusted) {
        var settings = new AccountSettings.Jmap(
                "bob",
                URI.create("https://" + sessionHost + "/session"),
                Optional.empty(),
                Optional.ofNullable(named).stream().toList());

        assertThat(TrustedHosts.of(settings).trusts(URI.create("https://" + host + "/api")))
                .isEqualTo(trusted);
    }

    @ParameterizedTest
    @CsvSource({"mailto:bob@example.com", "/api"})
    void url_without_a_host_is_not_trusted(String url) {
        var settings = new AccountSettings.Jmap(
                "bob", URI.create("https://mail.example.com/session"), Optional.empty(), List.of());

        assertThat(TrustedHosts.of(settings).trusts(URI.create(url))).isFalse();
    }
}
