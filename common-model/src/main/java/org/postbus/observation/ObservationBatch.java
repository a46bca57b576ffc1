package org.postbus.observation;

import java.util.List;
import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of the topic {@code postbus.observations}. The writer applies it in one transaction or not at all.
 *
 * @param fence the number of the claim under which the fetcher read; the writer drops a batch whose fence is not the account's current one
 * @param seq counts from 1 within a fence without gaps; the writer applies only the next one
 */
public record ObservationBatch(
        TenantId tenantId, AccountId accountId, long fence, long seq, List<Observation> observations) {
    public static final int EMAILS_MAX = 500;
    /** Encoded. A single larger observation is a batch of its own. */
    public static final int BYTES_MAX = 512 * 1024;

    public ObservationBatch {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        observations = List.copyOf(observations);
        if (fence < 1 || seq < 1) {
            throw new IllegalArgumentException("fence " + fence + " and seq " + seq + " count from 1");
        }
    }
}
