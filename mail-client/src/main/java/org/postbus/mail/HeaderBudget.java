package org.postbus.mail;

import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailHeaders;

/**
 * Cleans the values of one email's {@link EmailHeaders} and limits them to {@link #CHARACTERS_MAX} characters in
 * total, because an email with its headers must fit into a batch. Values beyond the limit are cut or left out. Not
 * thread-safe.
 */
public final class HeaderBudget {
    public static final int CHARACTERS_MAX = 96 * 1024;

    private static final int SUBJECT_LENGTH_MAX = 4096;
    /**
     * RFC 5321 allows 320 characters for an address. A name has no limit of its own, but longer ones are never shown
     * whole.
     */
    private static final int NAME_LENGTH_MAX = 1024;
    /** RFC 5322 section 2.1.1: no line is longer. */
    private static final int MESSAGE_ID_LENGTH_MAX = 998;

    private int left = CHARACTERS_MAX;

    /** At most {@link EmailHeaders#REFERENCES_MAX} of the ids, the first and the last ones, without angle brackets and blanks. */
    public List<String> messageIds(List<String> ids) {
        List<String> kept = new ArrayList<>();
        for (String id : withoutMiddle(ids)) {
            String bare = Text.clean(id).strip();
            if (bare.startsWith("<") && bare.endsWith(">")) {
                bare = bare.substring(1, bare.length() - 1).strip();
            }
            if (!bare.isEmpty() && bare.length() <= MESSAGE_ID_LENGTH_MAX && take(bare.length())) {
                kept.add(bare);
            }
        }
        return kept;
    }

    /** A reply needs the root of the conversation and its last messages. */
    private static List<String> withoutMiddle(List<String> ids) {
        if (ids.size() <= EmailHeaders.REFERENCES_MAX) {
            return ids;
        }
        List<String> ends = new ArrayList<>(ids.subList(0, 1));
        ends.addAll(ids.subList(ids.size() - EmailHeaders.REFERENCES_MAX + 1, ids.size()));
        return ends;
    }

    public List<EmailAddress> addresses(List<EmailAddress> addresses) {
        List<EmailAddress> kept = new ArrayList<>(addresses.size());
        for (EmailAddress address : addresses) {
            Optional<String> name = address.name()
                    .map(text -> Text.cut(Text.clean(text).strip(), NAME_LENGTH_MAX))
                    .filter(text -> !text.isEmpty());
            String email = Text.cut(Text.clean(address.email()).strip(), NAME_LENGTH_MAX);
            if (name.isEmpty() && email.isEmpty()) {
                continue;
            }
            if (!take(email.length() + name.map(String::length).orElse(0) + 24)) {
                break;
            }
            kept.add(new EmailAddress(name, email));
        }
        return kept;
    }

    public Optional<String> subject(Optional<String> subject) {
        return subject.map(text -> Text.cut(Text.clean(text), SUBJECT_LENGTH_MAX))
                .filter(text -> take(text.length()));
    }

    /** The date if it is one as ISO 8601 writes it. */
    public static Optional<String> sentAt(Optional<String> sentAt) {
        return sentAt.flatMap(text -> {
            try {
                OffsetDateTime.parse(text);
                return Optional.of(text);
            } catch (DateTimeParseException notADate) {
                return Optional.empty();
            }
        });
    }

    private boolean take(int characters) {
        if (characters > left) {
            return false;
        }
        left -= characters;
        return true;
    }
}
