package org.postbus.mail.imap.grammar;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What to fetch of each message.
 *
 * @param changedSince only messages whose mod-sequence is greater (needs CONDSTORE); 0 is illegal (RFC 7162 section
 *     3.1.4.1) and is left out
 */
public record FetchItems(Set<FetchItem> items, OptionalLong changedSince) {
    public static final FetchItem FLAGS = new FetchItem.Flags();
    public static final FetchItem INTERNAL_DATE = new FetchItem.InternalDate();
    public static final FetchItem SIZE = new FetchItem.Size();
    public static final FetchItem MOD_SEQ = new FetchItem.ModSeq();
    public static final FetchItem EMAIL_ID = new FetchItem.EmailId();
    public static final FetchItem THREAD_ID = new FetchItem.ThreadId();
    public static final FetchItem GMAIL = new FetchItem.Gmail();
    public static final FetchItem GMAIL_MESSAGE_ID = new FetchItem.GmailMessageId();
    public static final FetchItem HEADER = new FetchItem.Header();
    public static final FetchItem BODY_STRUCTURE = new FetchItem.BodyStructure();

    public FetchItems {
        items = java.util.Collections.unmodifiableSet(new LinkedHashSet<>(items));
        if (items.stream().anyMatch(FetchItem.Body.class::isInstance)
                && items.stream().anyMatch(FetchItem.BodyStart.class::isInstance)) {
            throw new IllegalArgumentException("either the whole body or its start");
        }
        if (changedSince.isPresent() && changedSince.getAsLong() <= 0) {
            changedSince = OptionalLong.empty();
        }
    }

    public static FetchItems of(FetchItem... items) {
        return new FetchItems(new LinkedHashSet<>(Arrays.asList(items)), OptionalLong.empty());
    }

    public static FetchItem body(int octetsMax) {
        return new FetchItem.Body(octetsMax);
    }

    public static FetchItem bodyStart(int octets) {
        return new FetchItem.BodyStart(octets);
    }

    public FetchItems and(FetchItem... more) {
        Set<FetchItem> all = new LinkedHashSet<>(items);
        all.addAll(Arrays.asList(more));
        return new FetchItems(all, changedSince);
    }

    public FetchItems changedSince(long modSeq) {
        return new FetchItems(items, OptionalLong.of(modSeq));
    }
}
