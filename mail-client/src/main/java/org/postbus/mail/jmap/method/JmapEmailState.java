package org.postbus.mail.jmap.method;

import java.util.Objects;
import java.util.Set;
import org.postbus.model.Keyword;

/** The part of an Email that can change (RFC 8621 section 4.1.1). */
public record JmapEmailState(String id, Set<String> mailboxIds, Set<Keyword> keywords) {
    public JmapEmailState {
        Objects.requireNonNull(id);
        mailboxIds = Set.copyOf(mailboxIds);
        keywords = Set.copyOf(keywords);
    }
}
