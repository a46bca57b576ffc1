package org.postbus.topic;

import org.postbus.change.ChangeEvent;
import org.postbus.observation.ObservationBatch;

/**
 * The topics, in the one place that names them. The key of every record is the account id as text, so everything about an
 * account is in order. Partitions are fixed for life: changing their number would move accounts between partitions.
 */
public final class Topics {
    /** {@link AccountRecord}, compacted. */
    public static final String ACCOUNTS = "postbus.accounts";
    /** {@link ObservationBatch}, from fetchers to the writer. */
    public static final String OBSERVATIONS = "postbus.observations";
    /** {@link ChangeEvent} as CloudEvents 1.0, binary mode: the public topic. */
    public static final String CHANGES = "postbus.changes";
    /** {@link MutationNotification}. */
    public static final String MUTATIONS = "postbus.mutations";
    /** {@link SyncRequest}, kept for an hour. */
    public static final String SYNC_REQUESTS = "postbus.sync-requests";
    /** {@link DeadLetter}. */
    public static final String DEAD_LETTERS = "postbus.dead-letters";

    public static final int PARTITIONS = 64;

    private Topics() {}
}
