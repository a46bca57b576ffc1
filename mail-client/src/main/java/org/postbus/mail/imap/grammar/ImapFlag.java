package org.postbus.mail.imap.grammar;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.model.Keyword;

/**
 * A flag as IMAP writes it: {@code \Seen}, {@code $Forwarded}, {@code work}. Flags are case-insensitive (RFC 9051
 * section 2.3.2). Flags and keywords (RFC 8621 section 4.1.1) are converted here and nowhere else.
 */
public final class ImapFlag implements Comparable<ImapFlag> {
    public static final ImapFlag SEEN = new ImapFlag("\\Seen");
    public static final ImapFlag FLAGGED = new ImapFlag("\\Flagged");
    public static final ImapFlag ANSWERED = new ImapFlag("\\Answered");
    public static final ImapFlag DRAFT = new ImapFlag("\\Draft");
    public static final ImapFlag DELETED = new ImapFlag("\\Deleted");
    public static final ImapFlag RECENT = new ImapFlag("\\Recent");
    /** Only in permanent flags: any keyword may be created. */
    public static final ImapFlag ANY_KEYWORD = new ImapFlag("\\*");

    private final String name;
    private final String folded;

    /** @throws IllegalArgumentException if it is empty or has more than 255 characters */
    public ImapFlag(String name) {
        if (name.isEmpty() || name.length() > Keyword.LENGTH_MAX) {
            throw new IllegalArgumentException("a flag has 1 to " + Keyword.LENGTH_MAX + " characters");
        }
        this.name = name;
        this.folded = name.toLowerCase(Locale.ROOT);
    }

    /** Well-known flags are shared instances: most messages have no other. */
    public static ImapFlag parsed(String name) {
        return switch (name) {
            case "\\Seen" -> SEEN;
            case "\\Flagged" -> FLAGGED;
            case "\\Answered" -> ANSWERED;
            case "\\Draft" -> DRAFT;
            case "\\Deleted" -> DELETED;
            case "\\Recent" -> RECENT;
            default -> new ImapFlag(name);
        };
    }

    /** {@code $seen} is {@code \Seen}, and so on for the four that JMAP knows; any other keyword is itself. */
    public static ImapFlag of(Keyword keyword) {
        return switch (keyword.value()) {
            case "$seen" -> SEEN;
            case "$flagged" -> FLAGGED;
            case "$answered" -> ANSWERED;
            case "$draft" -> DRAFT;
            default -> new ImapFlag(keyword.value());
        };
    }

    /** Empty for system flags that are no keyword ({@code \Deleted}, {@code \Recent}) and for names that JMAP cannot carry. */
    public Optional<Keyword> keyword() {
        return switch (folded) {
            case "\\seen" -> Optional.of(Keyword.SEEN);
            case "\\flagged" -> Optional.of(Keyword.FLAGGED);
            case "\\answered" -> Optional.of(Keyword.ANSWERED);
            case "\\draft" -> Optional.of(Keyword.DRAFT);
            default -> Keyword.isValid(name) ? Optional.of(new Keyword(name)) : Optional.empty();
        };
    }

    /** Sorted, without flags that are no keywords. */
    public static Set<Keyword> keywords(Collection<ImapFlag> flags) {
        Set<Keyword> keywords = new TreeSet<>();
        flags.forEach(flag -> flag.keyword().ifPresent(keywords::add));
        return keywords;
    }

    public String name() {
        return name;
    }

    /** Starts with a backslash. */
    public boolean isSystem() {
        return name.charAt(0) == '\\';
    }

    @Override
    public int compareTo(ImapFlag other) {
        return folded.compareTo(other.folded);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ImapFlag flag && flag.folded.equals(folded);
    }

    @Override
    public int hashCode() {
        return folded.hashCode();
    }

    @Override
    public String toString() {
        return name;
    }
}
