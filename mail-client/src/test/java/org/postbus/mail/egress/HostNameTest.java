package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Spellings of hosts. What is written as a public address or a name leads there; every other spelling of an address is refused. */
class HostNameTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                // Decimal, octal, hexadecimal and short forms of 127.0.0.1 and 169.254.169.254.
                "2130706433",
                "017700000001",
                "0x7f000001",
                "0X7F000001",
                "127.1",
                "127.0.1",
                "0177.0.0.1",
                "0x7f.0.0.1",
                "0x7f.1",
                "127.0.0.01",
                "127.000.000.001",
                "127.0.0.0x1",
                "127.0.0.1.2",
                "127.0.0.256",
                "127.0.0.1..",
                "2852039166",
                "0xa9fea9fe",
                "169.254.43518",
                "0xa9.254.0251.254",
                "mail.example.com.1",
                "mail.0x",
                "256",
                "0",
                // The same with characters that are mapped to ASCII.
                "\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13\uff13",
                "\u2460\u2461\u2466.1",
                "\uff10x7f.1",
                // IPv6: mapped, with zone ids, malformed.
                "::ffff:127.0.0.1",
                "::127.0.0.1",
                "64:ff9b::127.0.0.1",
                "2606:4700::8.8.8.8",
                "::ffff:7f00:1",
                "::ffff:8.8.8.8",
                "[::ffff:a9fe:a9fe]",
                "0:0:0:0:0:ffff:7f00:1",
                "fe80::1%eth0",
                "[fe80::1%25eth0]",
                "::1%lo",
                "[::1",
                "::1]",
                "[[::1]]",
                "[127.0.0.1]",
                "1::2::3",
                ":::",
                "12345::",
                // No host at all.
                "",
                ".",
                "..",
                "a..b",
                "-a.example",
                "a b",
                "a/b",
                "a@b",
                "a%2eb",
                "127.0.0.1:80",
                "mail.example.com\u0000.evil.example"
            })
    void what_is_no_plain_name_or_address_is_refused(String text) {
        assertThat(HostName.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "8.8.8.8,                     8.8.8.8",
        "8.8.8.8.,                    8.8.8.8",
        "127.0.0.1,                   127.0.0.1",
        "\uff11\uff12\uff17.0.0.1,    127.0.0.1",
        "127\u30020\uff0e0\uff611,    127.0.0.1",
        "127\u20240\u20240\u20241,    127.0.0.1",
        "::1,                         ::1",
        "[::1],                       ::1",
        "0:0::1,                      ::1",
        "::7f00:1,                    ::7f00:1",
        "64:ff9b::7f00:1,             64:ff9b::7f00:1",
        "[2606:4700:4700::1111],      2606:4700:4700::1111",
    })
    void an_address_is_judged_as_an_address(String text, String address) throws Exception {
        assertThat(HostName.parse(text)).contains(new HostName.Literal(InetAddress.getByName(address)));
    }

    @ParameterizedTest
    @CsvSource({
        "mail.example.com,   mail.example.com",
        "Mail.Example.COM.,  mail.example.com",
        "localhost,          localhost",
        "a_b.example,        a_b.example",
        "b\u00fccher.example, xn--bcher-kva.example",
        "\uff4cocalhost,     localhost",
        "1.example,          1.example",
        "0x7f.example,       0x7f.example",
    })
    void a_name_is_in_lower_case_ascii(String text, String name) {
        assertThat(HostName.parse(text)).contains(new HostName.Name(name));
    }

    @Test
    void too_long_is_no_name() {
        assertThat(HostName.parse(("a".repeat(63) + ".").repeat(4) + "a")).isEqualTo(Optional.empty());
        assertThat(HostName.parse("a".repeat(64) + ".example")).isEqualTo(Optional.empty());
    }
}
