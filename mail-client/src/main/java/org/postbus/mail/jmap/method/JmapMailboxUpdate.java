package org.postbus.mail.jmap.method;

import java.util.Objects;
import java.util.Optional;

/** What a server tells of a mailbox that has changed (RFC 8621 section 2.2). */
public sealed interface JmapMailboxUpdate {

    /** All of it: the server cannot tell what of it has changed, or does not. */
    record Whole(JmapMailbox mailbox) implements JmapMailboxUpdate {
        public Whole {
            Objects.requireNonNull(mailbox);
        }
    }

    /** Nothing else has changed; and a count that is empty has not either. */
    record Counts(String id, Optional<Long> totalEmails, Optional<Long> unreadEmails) implements JmapMailboxUpdate {
        public Counts {
            Objects.requireNonNull(id);
            Objects.requireNonNull(totalEmails);
            Objects.requireNonNull(unreadEmails);
        }
    }
}
