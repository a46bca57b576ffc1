package org.postbus.gateway.topic;

import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/** Publishes to {@link org.postbus.topic.Topics#ACCOUNTS}. */
@ApplicationScoped
public class AccountRecords {
    /**
     * Records of one call. Fewer than the connector's max-inflight-messages: all of them are sent at once, so that the call ends within {@link
     * Sends#MAX}.
     */
    public static final int RECORDS_MAX = 200;

    // For two calls: one that timed out for its caller, and the next.
    private static final int BUFFERED_MAX = 2 * RECORDS_MAX;

    private final MutinyEmitter<Record<String, byte[]>> channel;

    AccountRecords(
            @Channel("accounts") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = BUFFERED_MAX)
                    MutinyEmitter<Record<String, byte[]>> channel) {
        this.channel = channel;
    }

    /**
     * Completes when all sends have ended: with success if the broker has acknowledged all of them. After a failure any of the records may
     * be on the topic.
     */
    public Uni<Void> publish(List<AccountRecord> accounts, List<AccountId> tombstones) {
        List<Uni<Void>> sends = new ArrayList<>();
        for (AccountRecord account : accounts) {
            sends.add(channel.send(Record.of(account.accountId().toString(), EventCodec.encode(account))));
        }
        for (AccountId deleted : tombstones) {
            sends.add(channel.send(Record.of(deleted.toString(), null)));
        }
        return sends.isEmpty()
                ? Uni.createFrom().voidItem()
                : Uni.join().all(sends).andCollectFailures().replaceWithVoid();
    }
}
