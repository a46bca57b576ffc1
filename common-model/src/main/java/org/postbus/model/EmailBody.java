package org.postbus.model;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import java.util.List;
import java.util.Map;

/**
 * The body of an email: the lists of parts of RFC 8621 section 4.1.4, and the text of the parts in {@code textBody} and {@code htmlBody}.
 *
 * @param bodyValues by partId; all together at most {@link #TEXT_BYTES_MAX} bytes of UTF-8. A value that would exceed the limit is truncated
 *     and marked
 */
public record EmailBody(
        List<EmailBodyPart> textBody,
        List<EmailBodyPart> htmlBody,
        List<EmailBodyPart> attachments,

        @JsonSerialize(using = BodyValues.Writer.class) @JsonDeserialize(using = BodyValues.Reader.class)
        Map<String, EmailBodyValue> bodyValues) {

    public static final int TEXT_BYTES_MAX = 64 * 1024;

    public EmailBody {
        textBody = List.copyOf(textBody);
        htmlBody = List.copyOf(htmlBody);
        attachments = List.copyOf(attachments);
        bodyValues = BodyValues.copyOf(bodyValues);
    }
}
