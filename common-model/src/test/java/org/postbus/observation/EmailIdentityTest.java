package org.postbus.observation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;

class EmailIdentityTest {
    private static final List<EmailIdentity> ALL = List.of(
            new EmailIdentity.Jmap("e:1"),
            new EmailIdentity.ObjectId("M6d99ac"),
            new EmailIdentity.Gmail("1278455344230334865"));

    @Test
    void each_kind_is_its_prefix_and_the_servers_id() {
        assertThat(ALL)
                .extracting(EmailIdentity::value)
                .containsExactly("jmap:e:1", "emailid:M6d99ac", "gm:1278455344230334865");
        assertThat(ALL).extracting(EmailIdentity::id).containsExactly("e:1", "M6d99ac", "1278455344230334865");
    }

    @Test
    void identity_is_written_and_read_as_one_string() {
        for (EmailIdentity identity : ALL) {
            assertThat(EmailIdentity.of(identity.value())).isEqualTo(identity);
            assertThat(new String(EventCodec.encode(identity), StandardCharsets.UTF_8))
                    .isEqualTo('"' + identity.value() + '"');
            assertThat(EventCodec.decode(EventCodec.encode(identity), EmailIdentity.class))
                    .isEqualTo(identity);
        }
    }

    @Test
    void string_without_a_prefix_is_refused() {
        assertThatThrownBy(() -> EmailIdentity.of("e1")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EventCodec.decode("\"e1\"", EmailIdentity.class))
                .isInstanceOf(MalformedRecordException.class);
    }
}
