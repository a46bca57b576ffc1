package org.postbus.mail.imap.connection;

import io.vertx.core.impl.ContextInternal;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Ends a connection whose server owes an answer and makes no progress. Progress is a whole response, or {@link
 * ImapOptions#PROGRESS_OCTETS} of one. Only the connection's event loop calls it, and no timer runs while the server owes nothing.
 */
final class SilenceTimer {
    private final ContextInternal context;
    private final Duration silenceMax;
    private final BooleanSupplier serverOwesAnswer;
    private final Consumer<String> timedOut;
    private long progressAt = System.nanoTime();
    private long octetsSince;
    private boolean armed;

    /** @param timedOut takes the reason, a sentence */
    SilenceTimer(
            ContextInternal context, Duration silenceMax, BooleanSupplier serverOwesAnswer, Consumer<String> timedOut) {
        this.context = context;
        this.silenceMax = silenceMax;
        this.serverOwesAnswer = serverOwesAnswer;
        this.timedOut = timedOut;
    }

    void received(int octets) {
        octetsSince += octets;
        if (octetsSince >= ImapOptions.PROGRESS_OCTETS) {
            progressed();
        }
    }

    void progressed() {
        progressAt = System.nanoTime();
        octetsSince = 0;
    }

    /** The server has the full time again from now on; octets of a response that is in progress still count. */
    void restart() {
        progressAt = System.nanoTime();
    }

    /** Starts the timer if the server owes an answer and none runs. */
    void arm() {
        if (armed || !serverOwesAnswer.getAsBoolean()) {
            return;
        }
        armed = true;
        long left = silenceMax.toNanos() - (System.nanoTime() - progressAt);
        context.nettyEventLoop()
                .schedule(
                        () -> context.runOnContext(go -> {
                            armed = false;
                            check();
                        }),
                        Math.max(1, left),
                        TimeUnit.NANOSECONDS);
    }

    private void check() {
        if (!serverOwesAnswer.getAsBoolean()) {
            return;
        }
        if (System.nanoTime() - progressAt < silenceMax.toNanos()) {
            arm();
            return;
        }
        timedOut.accept(
                octetsSince == 0
                        ? "the server was silent for more than " + silenceMax.toMillis() + " ms"
                        : "the server sent no more than " + octetsSince + " octets in " + silenceMax.toMillis()
                                + " ms");
    }
}
