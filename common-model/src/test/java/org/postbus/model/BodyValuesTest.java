package org.postbus.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;

class BodyValuesTest {
    private static final EmailBody BODY = new EmailBody(
            List.of(),
            List.of(),
            List.of(),
            Map.of(
                    "1", new EmailBodyValue("Grüße \"zitiert\" \uD83D\uDE00\n", false, true),
                    "2.1", new EmailBodyValue("", true, false)));

    @Test
    void what_was_not_looked_at_is_written_as_it_was_read() {
        byte[] json = EventCodec.encode(BODY);
        EmailBody passedOn = EventCodec.decode(json, EmailBody.class);

        assertThat(EventCodec.encode(passedOn)).isEqualTo(json);
        assertThat(EventCodec.encodeToString(passedOn)).isEqualTo(new String(json, StandardCharsets.UTF_8));
    }

    @Test
    void what_is_looked_at_is_what_was_written() {
        assertThat(EventCodec.decode(EventCodec.encode(BODY), EmailBody.class)).isEqualTo(BODY);
        assertThat(EventCodec.mapper().convertValue(BODY, EmailBody.class)).isEqualTo(BODY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"1\":{\"value\":\"x\",\"isEncodingProblem\":false}}",
                "{\"1\":{\"value\":1,\"isEncodingProblem\":false,\"isTruncated\":false}}",
                "{\"1\":{\"value\":null,\"isEncodingProblem\":false,\"isTruncated\":false}}",
                "{\"1\":{\"value\":\"x\",\"isEncodingProblem\":\"no\",\"isTruncated\":false}}",
                "{\"1\":\"x\"}",
                "[]",
                "{\"1\":{\"value\":\"x\",\"isEncodingProblem\":false,\"isTruncated\":false}"
            })
    void values_of_another_shape_are_refused_though_nobody_looks(String values) {
        byte[] json = ("{\"textBody\":[],\"htmlBody\":[],\"attachments\":[],\"bodyValues\":" + values + "}")
                .getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> EventCodec.decode(json, EmailBody.class)).isInstanceOf(MalformedRecordException.class);
    }
}
