package org.postbus.model;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import java.util.List;
import java.util.Map;

/**
 * What to show of an email: RFC 8621 section 4.1.4's lists, and the text of the parts they name, by partId.
 * All values together hold at most {@link #TEXT_BYTES_MAX} bytes of UTF-8; beyond that a value is truncated and says so.
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
