package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.store.StoredJmapState;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.model.AccountId;

/**
 * What the parts of one JMAP pass share.
 *
 * @param stored what the writer has stored; complete only after {@link ObservationPublisher#awaitApplied}
 * @param changesExpected a sync request or a push notification started this pass: if it finds nothing the emails of mailboxes are counted
 * @param now when the pass began
 */
record JmapPassContext(
        AccountId account,
        FetcherContext context,
        JmapClient client,
        JmapSyncState state,
        StoredJmapState stored,
        ObservationPublisher out,
        boolean changesExpected,
        Instant now) {
    static final Duration REQUEST_TIME_MAX = Duration.ofMinutes(3);

    <R> R call(JmapMethod<R> method) throws InterruptedException {
        return Await.of(client.call(method), REQUEST_TIME_MAX, ServerException::unreachable);
    }

    /** The results count as held until they are closed. */
    JmapClient.Held<JmapResults> send(JmapRequest request) throws InterruptedException {
        return Await.of(client.sendHeld(request), REQUEST_TIME_MAX, ServerException::unreachable);
    }

    /** How many method calls one request may hold. */
    int callsMax() {
        return client.session().limits().maxCallsInRequest();
    }

    /** How many emails one answer is to hold at most, with their bodies. */
    int emailsPerAnswer() {
        return state.bodiesPerGet.max(client.session().limits().maxObjectsInGet());
    }
}
