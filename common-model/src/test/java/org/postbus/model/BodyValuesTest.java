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
    void values_that_were_not_decoded_are_written_as_they_were_read() {
        byte[] json = EventCodec.encode(BODY);
        EmailBody undecoded = EventCodec.decode(json, EmailBody.class);

        assertThat(EventCodec.encode(undecoded)).isEqualTo(json);
        assertThat(EventCodec.encodeToString(undecoded)).isEqualTo(new String(json, StandardCharsets.UTF_8));
    }

    @Test
    void decoded_values_equal_those_that_were_written() {
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
    void values_of_another_shape_are_refused_without_decoding_them(String values) {
        byte[] json = ("{\"textBody\":[],\"htmlBody\":[],\"attachments\":[],\"bodyValues\":" + values + "}")
                .getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> EventCodec.decode(json, EmailBody.class)).isInstanceOf(MalformedRecordException.class);
    }
}
