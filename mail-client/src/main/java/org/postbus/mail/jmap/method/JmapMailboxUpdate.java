package org.postbus.mail.jmap.method;

import java.util.Objects;
import java.util.Optional;

/** What a server reports about a changed mailbox (RFC 8621 section 2.2). */
public sealed interface JmapMailboxUpdate {

    /** The whole mailbox: the server does not report which properties have changed. */
    record Whole(JmapMailbox mailbox) implements JmapMailboxUpdate {
        public Whole {
            Objects.requireNonNull(mailbox);
        }
    }

    /** Only counts have changed; a count that is empty has not changed. */
    record Counts(String id, Optional<Long> totalEmails, Optional<Long> unreadEmails) implements JmapMailboxUpdate {
        public Counts {
            Objects.requireNonNull(id);
            Objects.requireNonNull(totalEmails);
            Objects.requireNonNull(unreadEmails);
        }
    }
}
