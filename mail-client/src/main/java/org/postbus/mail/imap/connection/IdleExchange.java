package org.postbus.mail.imap.connection;

import io.netty.util.concurrent.ScheduledFuture;
import io.smallrye.mutiny.subscription.UniEmitter;
import java.time.Duration;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/** IDLE (RFC 2177) until something happens or the time is up. */
final class IdleExchange implements Exchange {
    private final ImapWire wire;
    private final ImapCommand command = new ImapCommand.Idle();
    private final UniEmitter<? super WatchOutcome> emitter;
    private final Duration atMost;
    private WatchOutcome outcome = WatchOutcome.TIME_UP;
    private ScheduledFuture<?> timer;

    IdleExchange(ImapWire wire, UniEmitter<? super WatchOutcome> emitter, Duration atMost) {
        this.wire = wire;
        this.emitter = emitter;
        this.atMost = atMost;
    }

    @Override
    public ImapCommand command() {
        return command;
    }

    @Override
    public void begun() {
        timer = wire.after(atMost, this::end);
        if (wire.session().hasChanges()) { // by the command before
            changed();
        }
    }

    @Override
    public void changed() {
        outcome = WatchOutcome.CHANGED;
        end();
    }

    private void end() {
        if (wire.isCurrent(this)) {
            wire.silence().restart();
            wire.act(wire.session().endIdle());
            wire.silence().arm();
        }
    }

    @Override
    public void done(ImapAnswer answer) {
        timer.cancel(false);
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
        end();
    }
}
