package org.postbus.topic;

/**
 * The names of the topics. The key of every record is the account id as text, so the records of one account are in order. The number of
 * partitions never changes: an account would move to another partition.
 */
public final class Topics {
    /** {@link AccountRecord}, compacted. */
    public static final String ACCOUNTS = "postbus.accounts";
    /** {@link org.postbus.observation.ObservationBatch}, from fetchers to the writer. */
    public static final String OBSERVATIONS = "postbus.observations";
    /** {@link org.postbus.change.ChangeEvent} as CloudEvents 1.0, binary mode. The public topic. */
    public static final String CHANGES = "postbus.changes";
    /** {@link MutationNotification}, from the gateway to outbound. */
    public static final String MUTATIONS = "postbus.mutations";
    /** {@link SyncRequest}, from the gateway and outbound to fetchers; kept for an hour. */
    public static final String SYNC_REQUESTS = "postbus.sync-requests";
    /** {@link DeadLetter}. */
    public static final String DEAD_LETTERS = "postbus.dead-letters";

    public static final int PARTITIONS = 64;

    private Topics() {}
}
