package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;

/** How a server refers to one email. The writer resolves it to an {@link org.postbus.model.EmailId}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = EmailRef.JmapEmail.class, name = "jmap"),
    @JsonSubTypes.Type(value = EmailRef.ImapMessage.class, name = "imap")
})
public sealed interface EmailRef {

    /** A JMAP Email id. */
    record JmapEmail(String id) implements EmailRef {
        public JmapEmail {
            Objects.requireNonNull(id);
        }
    }

    /**
     * A location: a message in one mailbox, valid only under this UIDVALIDITY (RFC 9051 section 2.3.1.1). Both have 32 bits there; there are
     * servers with a longer UIDVALIDITY, which is only compared.
     */
    record ImapMessage(MailboxKey mailbox, long uidValidity, long uid) implements EmailRef {
        public ImapMessage {
            Objects.requireNonNull(mailbox);
            if (uid < 1 || uid > 0xFFFF_FFFFL || uidValidity < 0) {
                throw new IllegalArgumentException(
                        "uid " + uid + " or uidValidity " + uidValidity + " is out of range");
            }
        }
    }
}
