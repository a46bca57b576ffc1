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
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapMethod;

/**
 * Reads objects of a JMAP server by their ids, in pages: several requests are in flight while the answer before them is used. Answers are used in
 * the order of the requests, on the thread that asks for more or for the end.
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

    /** Publishes an object whose answer is too large even if nothing else is asked for. */
    @FunctionalInterface
    interface TooLarge {
        void handle(String id, ServerException why) throws InterruptedException;
    }

    /** What to do if the server answers with an error: nothing unless the emails themselves are read. */
    interface Refusals {
        /** Whether the request is to be repeated for halves of its ids, down to one. */
        boolean maySplit(ServerFailure failure);

        /** The object alone is refused. */
        void refused(String id, ServerFailure why) throws InterruptedException;

        Refusals NONE = new Refusals() {
            @Override
            public boolean maySplit(ServerFailure failure) {
                return false;
            }

            @Override
            public void refused(String id, ServerFailure why) {
                throw new ServerException(why);
            }
        };
    }

    private record InFlight<R>(List<String> ids, CompletableFuture<JmapClient.Held<R>> answer, List<Step> then) {}

    private final JmapClient client;
    private final GetSizeLimit limit;
    private final Function<JmapMethod.Ids, JmapMethod<R>> get;
    private final Use<R> use;
    private final TooLarge tooLarge;
    private final Refusals refusals;
    private final ArrayDeque<InFlight<R>> inFlight = new ArrayDeque<>();

    PagedGet(JmapClient client, GetSizeLimit limit, Function<JmapMethod.Ids, JmapMethod<R>> get, Use<R> use) {
        this(
                client,
                limit,
                get,
                use,
                (id, why) -> {
                    throw why;
                },
                Refusals.NONE);
    }

    PagedGet(
            JmapClient client,
            GetSizeLimit limit,
            Function<JmapMethod.Ids, JmapMethod<R>> get,
            Use<R> use,
            TooLarge tooLarge,
            Refusals refusals) {
        this.refusals = refusals;
        this.client = client;
        this.limit = limit;
        this.get = get;
        this.use = use;
        this.tooLarge = tooLarge;
    }

    /** On return all have been requested, and most of the answers used. */
    void ask(List<String> ids) throws InterruptedException {
        int max = limit.max(client.session().limits().maxObjectsInGet());
        for (List<String> page : JmapClient.chunks(ids, max)) {
            if (inFlight.size() >= AT_ONCE) {
                useNext();
            }
            Uni<JmapClient.Held<R>> answer = client.callHeld(get.apply(JmapMethod.Ids.these(page)));
            inFlight.add(new InFlight<>(page, answer.subscribeAsCompletionStage(), new ArrayList<>()));
        }
    }

    /** Runs the step when the answers to all that was requested until now have been used. */
    void then(Step step) throws InterruptedException {
        if (inFlight.isEmpty()) {
            step.take();
        } else {
            inFlight.getLast().then().add(step);
        }
    }

    /** Waits for all answers and uses them. */
    void end() throws InterruptedException {
        while (!inFlight.isEmpty()) {
            useNext();
        }
    }

    private void useNext() throws InterruptedException {
        InFlight<R> next = inFlight.poll();
        Optional<JmapClient.Held<R>> answer = answer(next);
        if (answer.isPresent()) {
            try (JmapClient.Held<R> held = answer.get()) {
                use.use(next.ids(), held.result());
            }
        } else if (next.ids().size() > 1) {
            askInSmallerPages(next.ids());
        }
        for (Step step : next.then()) {
            step.take();
        }
    }

    /** Empty if the request or its answer was too large, or refused. */
    private Optional<JmapClient.Held<R>> answer(InFlight<R> asked) throws InterruptedException {
        try {
            return Optional.of(Await.of(
                    Uni.createFrom().completionStage(asked.answer()),
                    JmapPassContext.REQUEST_TIME_MAX,
                    ServerException::unreachable));
        } catch (ServerException e) {
            if (asked.ids().size() == 1 && GetSizeLimit.isAnswerTooLarge(e.failure())) {
                tooLarge.handle(asked.ids().getFirst(), e);
            } else if (!limit.reduce(e.failure(), asked.ids().size())) {
                if (!refusals.maySplit(e.failure())) {
                    throw e;
                }
                if (asked.ids().size() == 1) {
                    refusals.refused(asked.ids().getFirst(), e.failure());
                }
            }
            return Optional.empty();
        }
    }

    private void askInSmallerPages(List<String> ids) throws InterruptedException {
        int half = ids.size() / 2;
        try (PagedGet<R> smaller = new PagedGet<>(client, limit, get, use, tooLarge, refusals)) {
            smaller.ask(ids.subList(0, half));
            smaller.ask(ids.subList(half, ids.size()));
            smaller.end();
        }
    }

    /** Cancels requests in flight. */
    @Override
    public void close() {
        inFlight.forEach(one -> one.answer().cancel(true));
    }
}
