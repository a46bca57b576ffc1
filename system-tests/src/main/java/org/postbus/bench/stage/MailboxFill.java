package org.postbus.bench.stage;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.postbus.bench.measure.Figures;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.rawclient.RawImap;

/** Appends messages to INBOX over several connections. */
public final class MailboxFill {
    /** One APPEND at a time per connection; James processes about as many in parallel as there are processors. */
    private static final int CONNECTIONS = 4;

    private static final int PROGRESS_EVERY = 1000;

    private final IntFunction<MailCorpus.Mail> messages;
    private final int count;
    private final AtomicLong bytes = new AtomicLong();
    private final PrintStream out;
    private final long begin = System.nanoTime();
    private int next;

    private MailboxFill(int count, IntFunction<MailCorpus.Mail> messages, PrintStream out) {
        this.count = count;
        this.messages = messages;
        this.out = out;
    }

    /**
     * Returns the total size of the messages in bytes.
     *
     * @param messages the message with this number, from 0; called once for each, in order, by one thread at a time
     */
    public static long fill(MailServer server, int count, IntFunction<MailCorpus.Mail> messages, PrintStream out) {
        MailboxFill fill = new MailboxFill(count, messages, out);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> appenders = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                appenders.add(CompletableFuture.runAsync(() -> fill.append(server), threads));
            }
            appenders.forEach(CompletableFuture::join);
        }
        double seconds = Figures.secondsSince(fill.begin);
        out.printf(
                "Filled INBOX of %s with %d messages, %.1f MB, in %.0f s (%.0f messages/s)%n",
                server.name(), count, fill.bytes.get() / 1e6, seconds, count / seconds);
        return fill.bytes.get();
    }

    private void append(MailServer server) {
        try (RawImap imap = server.logIn()) {
            for (MailCorpus.Mail mail = next(); mail != null; mail = next()) {
                imap.append("INBOX", mail.flags(), mail.date(), mail.raw());
                bytes.addAndGet(mail.raw().length);
            }
        }
    }

    /** Null after the last. */
    private synchronized MailCorpus.Mail next() {
        if (next == count) {
            return null;
        }
        if (next > 0 && next % PROGRESS_EVERY == 0) {
            out.printf("  %d messages after %.0f s%n", next, Figures.secondsSince(begin));
        }
        return messages.apply(next++);
    }
}
