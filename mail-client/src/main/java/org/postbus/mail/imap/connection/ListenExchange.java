package org.postbus.mail.imap.connection;

import io.netty.util.concurrent.ScheduledFuture;
import io.smallrye.mutiny.subscription.UniEmitter;
import java.time.Duration;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/** No command until the time is up, then NOOP: for servers that report changes unasked. */
final class ListenExchange implements Exchange {
    private final ImapWire wire;
    private final ImapCommand command = new ImapCommand.Noop();
    private final UniEmitter<? super WatchOutcome> emitter;
    private final Duration atMost;
    private WatchOutcome outcome = WatchOutcome.TIME_UP;
    private ScheduledFuture<?> timer;
    private boolean probing;

    ListenExchange(ImapWire wire, UniEmitter<? super WatchOutcome> emitter, Duration atMost) {
        this.wire = wire;
        this.emitter = emitter;
        this.atMost = atMost;
    }

    @Override
    public ImapCommand command() {
        return command;
    }

    @Override
    public boolean sendsAtOnce() {
        return false;
    }

    @Override
    public void begun() {
        wire.session().listen();
        timer = wire.after(atMost, this::probe);
        if (wire.session().hasChanges()) { // by the command before
            changed();
        }
    }

    private void probe() {
        if (wire.isCurrent(this) && !probing) {
            probing = true;
            wire.silence().restart();
            wire.act(wire.session().begin(command));
            wire.silence().arm();
        }
    }

    @Override
    public void changed() {
        outcome = WatchOutcome.CHANGED;
        if (!probing) {
            end();
            emitter.complete(outcome);
        }
    }

    private void end() {
        timer.cancel(false);
        wire.endCurrent();
    }

    @Override
    public void done(ImapAnswer answer) {
        emitter.complete(outcome);
    }

    @Override
    public void failed(RuntimeException error) {
        if (timer != null) {
            timer.cancel(false);
        }
        emitter.fail(error);
    }

    @Override
    public void cancelled() {
        if (!probing) {
            end();
        }
    }
}
