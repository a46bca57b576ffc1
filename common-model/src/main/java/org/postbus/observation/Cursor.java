package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;
import java.util.Optional;

/**
 * How far a scope has been read. It is stored in the transaction that applies the observations it covers, and only a fetcher interprets
 * it.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Cursor.Imap.class, name = "imap"),
    @JsonSubTypes.Type(value = Cursor.Jmap.class, name = "jmap")
})
public sealed interface Cursor {

    /**
     * The messages with {@code backfillUid <= uid < uidNext} are in the database. The backfill reads from the newest message down, so
     * {@code backfillUid} falls; at 1 the mailbox is complete.
     *
     * @param highestModSeq the HIGHESTMODSEQ (RFC 7162) up to which flags are stored. During the backfill it is the one of the first
     *     SELECT, or of the last resync after an interruption. Empty if the server has none
     */
    record Imap(long uidValidity, long uidNext, Optional<Long> highestModSeq, long backfillUid) implements Cursor {
        public Imap {
            Objects.requireNonNull(highestModSeq);
        }

        public boolean backfilled() {
            return backfillUid <= 1;
        }
    }

    /**
     * @param state the state from which changes are requested (RFC 8620 section 5.2); during the initial sync the state at its start
     * @param anchor the last email of the last page that the initial sync has read; empty when it has ended
     * @param firstRunEnded whether the initial sync has ended: every email that existed at {@code state} has been read
     * @param unsettled the overlap re-query, for servers that report changes late; empty for mailboxes, which have none
     */
    record Jmap(String state, Optional<String> anchor, boolean firstRunEnded, Optional<Unsettled> unsettled)
            implements Cursor {
        public Jmap {
            Objects.requireNonNull(state);
            Objects.requireNonNull(anchor);
            Objects.requireNonNull(unsettled);
        }

        public Jmap(String state, Optional<String> anchor, boolean firstRunEnded) {
            this(state, anchor, firstRunEnded, Optional.empty());
        }

        /**
         * Changes before {@code state} that the server may still report.
         *
         * @param since the state from which changes are requested once more: {@code state} or an earlier one
         * @param changes the number of changes that the server has reported since all emails were last compared with it
         */
        public record Unsettled(String since, long changes) {
            public Unsettled {
                Objects.requireNonNull(since);
            }
        }
    }
}
