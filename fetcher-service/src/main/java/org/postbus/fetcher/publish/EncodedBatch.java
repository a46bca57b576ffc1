package org.postbus.fetcher.publish;

import java.util.List;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;

/**
 * The value of one record of {@code postbus.observations}: an {@link ObservationBatch} assembled from observations that
 * are already encoded.
 *
 * @param json must not be changed
 */
public record EncodedBatch(AccountId accountId, long fence, long seq, byte[] json) {

    public static EncodedBatch of(
            TenantId tenantId, AccountId accountId, long fence, long seq, List<EncodedObservation> observations) {
        byte[] empty = EventCodec.encode(new ObservationBatch(tenantId, accountId, fence, seq, List.of()));
        // The codec writes the list last, so the text ends with []}: the observations are inserted between the
        // brackets.
        int head = empty.length - 2;
        if (empty[head - 1] != '[') {
            throw new IllegalStateException("the observations are not the last field of a batch");
        }
        int length = empty.length + Math.max(0, observations.size() - 1);
        for (EncodedObservation observation : observations) {
            length += observation.json().length;
        }
        byte[] json = new byte[length];
        System.arraycopy(empty, 0, json, 0, head);
        int at = head;
        for (EncodedObservation observation : observations) {
            if (at > head) {
                json[at++] = ',';
            }
            System.arraycopy(observation.json(), 0, json, at, observation.json().length);
            at += observation.json().length;
        }
        System.arraycopy(empty, head, json, at, 2);
        return new EncodedBatch(accountId, fence, seq, json);
    }
}
