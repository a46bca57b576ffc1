package org.postbus.mail.imap.connection;

import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/**
 * Delivers items as they are requested and holds at most one: the first that came without being requested. It may
 * still be held when the answer has ended.
 */
final class StreamExchange<T> implements Exchange, Flow.Subscription {
    private final ImapWire wire;
    private final ImapCommand.Streams<T> command;
    private final Flow.Subscriber<? super T> subscriber;
    private final Consumer<ImapAnswer> answerConsumer;
    private long requested;
    private Optional<T> held = Optional.empty();
    private boolean answered;
    private boolean over;

    StreamExchange(
            ImapWire wire,
            ImapCommand.Streams<T> command,
            Flow.Subscriber<? super T> subscriber,
            Consumer<ImapAnswer> answerConsumer) {
        this.wire = wire;
        this.command = command;
        this.subscriber = subscriber;
        this.answerConsumer = answerConsumer;
    }

    @Override
    public ImapCommand command() {
        return command;
    }

    @Override
    public void request(long n) {
        wire.onEventLoop(() -> {
            if (over) {
                return;
            }
            if (n <= 0) {
                failed(new IllegalArgumentException("a subscriber must request at least one item"));
            } else {
                requested = requested + n < 0 ? Long.MAX_VALUE : requested + n;
            }
            if (wire.isCurrent(this)) {
                wire.receive();
                wire.silence().arm();
            } else {
                deliverHeld();
            }
        });
    }

    @Override
    public void cancel() {
        wire.onEventLoop(() -> {
            over = true;
            held = Optional.empty();
            wire.cancel(this);
            wire.receive();
        });
    }

    @Override
    public void item(Object item) {
        if (over) {
            return;
        }
        T typed = command.itemType().cast(item);
        if (requested == 0) {
            held = Optional.of(typed);
            return;
        }
        if (requested != Long.MAX_VALUE) {
            requested--;
        }
        subscriber.onNext(typed);
    }

    @Override
    public void deliverHeld() {
        if (held.isPresent() && requested > 0) {
            T first = held.get();
            held = Optional.empty();
            item(first);
        }
        completeIfDone();
    }

    @Override
    public boolean holds() {
        return held.isPresent();
    }

    private void completeIfDone() {
        if (answered && held.isEmpty() && !over) {
            over = true;
            subscriber.onComplete();
        }
    }

    @Override
    public boolean wanted() {
        return !over;
    }

    @Override
    public void done(ImapAnswer answer) {
        answerConsumer.accept(answer);
        answered = true;
        completeIfDone();
    }

    @Override
    public void failed(RuntimeException error) {
        if (!over) {
            over = true;
            held = Optional.empty();
            subscriber.onError(error);
        }
    }

    @Override
    public void cancelled() {
        wire.silence().arm();
    }
}
