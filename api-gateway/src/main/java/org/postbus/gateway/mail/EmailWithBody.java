package org.postbus.gateway.mail;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.Email;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;

/** An email with RFC 8621 section 4.1.4's body properties; they are absent where no body is kept. */
record EmailWithBody(
        @JsonUnwrapped Email email,
        Optional<Map<String, EmailBodyValue>> bodyValues,
        Optional<List<EmailBodyPart>> textBody,
        Optional<List<EmailBodyPart>> htmlBody,
        Optional<List<EmailBodyPart>> attachments) {
    EmailWithBody {
        Objects.requireNonNull(email);
    }

    static EmailWithBody of(Email email, Optional<EmailBody> body) {
        return new EmailWithBody(
                email,
                body.map(EmailBody::bodyValues),
                body.map(EmailBody::textBody),
                body.map(EmailBody::htmlBody),
                body.map(EmailBody::attachments));
    }
}
