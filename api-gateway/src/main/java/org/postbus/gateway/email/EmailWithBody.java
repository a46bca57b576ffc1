package org.postbus.gateway.email;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.content.EmailBodies.BodyMissing;
import org.postbus.gateway.content.EmailBodies.Fetched;
import org.postbus.model.Email;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;

/**
 * An email with RFC 8621 section 4.1.4's body properties.
 *
 * @param bodyMissing why the other four are absent; present only then
 */
record EmailWithBody(
        @JsonUnwrapped Email email,
        Optional<Map<String, EmailBodyValue>> bodyValues,
        Optional<List<EmailBodyPart>> textBody,
        Optional<List<EmailBodyPart>> htmlBody,
        Optional<List<EmailBodyPart>> attachments,
        Optional<BodyMissing> bodyMissing) {
    EmailWithBody {
        Objects.requireNonNull(email);
    }

    static EmailWithBody of(Email email, Optional<EmailBody> body) {
        return new EmailWithBody(
                email,
                body.map(EmailBody::bodyValues),
                body.map(EmailBody::textBody),
                body.map(EmailBody::htmlBody),
                body.map(EmailBody::attachments),
                Optional.empty());
    }

    boolean hasBody() {
        return bodyValues.isPresent();
    }

    EmailWithBody with(Fetched fetched) {
        return switch (fetched) {
            case Fetched.Body(var body) -> of(email, Optional.of(body));
            case Fetched.Missing(var missing) ->
                new EmailWithBody(email, bodyValues, textBody, htmlBody, attachments, Optional.of(missing));
        };
    }
}
