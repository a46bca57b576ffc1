package org.postbus.fetcher.jmap;

import io.smallrye.mutiny.Uni;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapMethod;

/**
 * Objects of a JMAP server by their ids, in portions: some answers are under way while the one before them is used. They are used
 * in the order in which they were asked for, by whoever asks for more or for the end.
 */
final class PagedGet<R> implements AutoCloseable {
    private static final int AT_ONCE = 3;

    @FunctionalInterface
    interface Use<R> {
        void use(List<String> asked, R answer) throws InterruptedException;
    }

    @FunctionalInterface
    public interface Step {
        void take() throws InterruptedException;
    }

    private record UnderWay<R>(List<String> ids, CompletableFuture<R> answer, List<Step> then) {}

    private final JmapClient client;
    private final GetSizeLimit atOnce;
    private final Function<JmapMethod.Ids, JmapMethod<R>> get;
    private final Use<R> use;
    private final ArrayDeque<UnderWay<R>> underWay = new ArrayDeque<>();

    PagedGet(JmapClient client, GetSizeLimit atOnce, Function<JmapMethod.Ids, JmapMethod<R>> get, Use<R> use) {
        this.client = client;
        this.atOnce = atOnce;
        this.get = get;
        this.use = use;
    }

    /** On return all have been asked for, and most of the answers used. */
    void ask(List<String> ids) throws InterruptedException {
        int most = atOnce.most(client.session().limits().maxObjectsInGet());
        for (List<String> portion : JmapClient.chunks(ids, most)) {
            if (underWay.size() >= AT_ONCE) {
                useNext();
            }
            Uni<R> answer = client.call(get.apply(JmapMethod.Ids.these(portion)));
            underWay.add(new UnderWay<>(portion, answer.subscribeAsCompletionStage(), new ArrayList<>()));
        }
    }

    /** What is to be done when all that has been asked for until now is used. */
    void then(Step step) throws InterruptedException {
        if (underWay.isEmpty()) {
            step.take();
        } else {
            underWay.getLast().then().add(step);
        }
    }

    /** Uses all. */
    void end() throws InterruptedException {
        while (!underWay.isEmpty()) {
            useNext();
        }
    }

    private void useNext() throws InterruptedException {
        UnderWay<R> next = underWay.poll();
        Optional<R> answer = answer(next);
        if (answer.isPresent()) {
            use.use(next.ids(), answer.get());
        } else {
            askInSmallerPortions(next.ids());
        }
        for (Step step : next.then()) {
            step.take();
        }
    }

    /** Empty if it was too much to ask for at once. */
    private Optional<R> answer(UnderWay<R> asked) throws InterruptedException {
        try {
            return Optional.of(
                    Await.of(Uni.createFrom().completionStage(asked.answer()), JmapPass.REQUEST_TIME_MAX, ServerException::unreachable));
        } catch (ServerException e) {
            if (!atOnce.isLess(e.failure(), asked.ids().size())) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private void askInSmallerPortions(List<String> ids) throws InterruptedException {
        try (PagedGet<R> smaller = new PagedGet<>(client, atOnce, get, use)) {
            smaller.ask(ids);
            smaller.end();
        }
    }

    /** Gives up what is under way. */
    @Override
    public void close() {
        underWay.forEach(one -> one.answer().cancel(true));
    }
}
