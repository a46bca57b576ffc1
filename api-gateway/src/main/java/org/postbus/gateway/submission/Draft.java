package org.postbus.gateway.submission;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.james.mime4j.dom.address.Mailbox;
import org.postbus.model.EmailId;

/** A message to be composed, valid in form. {@link DraftReader} reads it from a request, {@link DraftComposer} writes the message. Pure. */
record Draft(
        Optional<Address> from,
        List<Address> to,
        List<Address> cc,
        List<Address> bcc,
        List<Address> replyTo,
        String subject,
        Optional<String> text,
        Optional<String> html,
        List<Attachment> attachments,
        Optional<Parent> parent,
        Optional<Instant> sendAt) {

    record Address(String name, String email) {
        Mailbox mailbox() {
            int at = email.lastIndexOf('@');
            return new Mailbox(name.isEmpty() ? null : name, email.substring(0, at), email.substring(at + 1));
        }
    }

    /** @param cid of an image that the HTML text shows: then it becomes a part of multipart/related */
    record Attachment(String name, String type, byte[] content, Optional<String> cid) {}

    /** The email that the message answers or forwards. It gets the keyword after the message was sent. */
    record Parent(EmailId emailId, String keyword) {
        static final String ANSWERED = "$answered";
        static final String FORWARDED = "$forwarded";

        boolean isAnswered() {
            return keyword.equals(ANSWERED);
        }
    }
}
