package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;
import java.util.Optional;

/**
 * How far a scope has been read. It travels in the batch with the observations it follows from and is stored in the same
 * transaction; a fetcher only ever reads it back.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Cursor.Imap.class, name = "imap"),
    @JsonSubTypes.Type(value = Cursor.Jmap.class, name = "jmap")
})
public sealed interface Cursor {

    /**
     * Messages with {@code backfillUid <= uid < uidNext} are in the database. Reading goes from the newest down, so
     * {@code backfillUid} falls until it is 1: then the mailbox is complete.
     *
     * @param highestModSeq the HIGHESTMODSEQ up to which flags are known (RFC 7162); taken from the first SELECT and kept
     *     until the backfill has ended; empty where the server has none
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
     * @param state the state to ask changes from (RFC 8620 section 5.2); during the first run the one taken before it began
     * @param anchor the last email of the first run's last page; empty once the first run has ended
     * @param firstRunEnded whether every email that there was at {@code state} has been read
     * @param unsettled what a server that tells changes late may have left out of those before {@code state}; empty for mailboxes,
     *     whose state is asked for no second time
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
         * @param since an earlier state, or the same one, since which changes are to be asked for once more
         * @param changes how many the server told of since all emails were compared with it
         */
        public record Unsettled(String since, long changes) {
            public Unsettled {
                Objects.requireNonNull(since);
            }
        }
    }
}
