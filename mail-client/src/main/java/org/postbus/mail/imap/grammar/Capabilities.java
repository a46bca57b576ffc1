package org.postbus.mail.imap.grammar;

import java.util.Collection;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The capabilities of the server, in upper case: {@code IMAP4REV1}, {@code MOVE}, {@code AUTH=PLAIN} (RFC 9051 section
 * 6.1.1).
 */
public record Capabilities(Set<String> names) {
    public static final Capabilities NONE = new Capabilities(Set.of());

    public Capabilities {
        names = names.stream()
                .map(name -> name.toUpperCase(Locale.ROOT))
                .collect(Collectors.collectingAndThen(
                        Collectors.toCollection(TreeSet::new), java.util.Collections::unmodifiableSet));
    }

    public static Capabilities of(Collection<String> names) {
        return new Capabilities(Set.copyOf(names));
    }

    /** The name in any case. */
    public boolean has(String name) {
        return names.contains(name.toUpperCase(Locale.ROOT));
    }

    /** The most messages that one command may affect (RFC 9738), or {@link Long#MAX_VALUE}. */
    public long messageLimit() {
        for (String name : names) {
            if (name.matches("MESSAGELIMIT=[1-9][0-9]{0,9}")) {
                return Long.parseLong(name.substring("MESSAGELIMIT=".length()));
            }
        }
        return Long.MAX_VALUE;
    }

    /**
     * Whether the server has an extension that is part of IMAP4rev2 and then has no name of its own, such as UNSEEN
     * counts or {@code UID EXPUNGE}.
     */
    public boolean hasOrRev2(String name) {
        return has(name) || has("IMAP4REV2");
    }
}
