package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The purpose of a mailbox, from the IANA registry of IMAP mailbox name attributes; in JSON in lower case (RFC 8621 section 2). */
public enum MailboxRole {
    ALL,
    ARCHIVE,
    DRAFTS,
    FLAGGED,
    IMPORTANT,
    INBOX,
    JUNK,
    SENT,
    SUBSCRIBED,
    TRASH;

    /** The role with this name, in any case. Empty for an unknown role: the registry grows, and servers invent roles. */
    public static Optional<MailboxRole> find(String name) {
        return Arrays.stream(values())
                .filter(role -> role.wireName().equalsIgnoreCase(name))
                .findFirst();
    }

    @JsonCreator
    static MailboxRole of(String name) {
        return find(name).orElseThrow(() -> new IllegalArgumentException("no such mailbox role: " + name));
    }

    @JsonValue
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
