package org.postbus.mail.memory;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The bytes that mail servers make this process hold, over all connections and requests, and their limit. When the limit is
 * exceeded, the holder with the most bytes is ended, whoever asked for more: the account that causes the shortage pays for
 * it. Holders below {@value #SMALL_BYTES} bytes are never ended. Thread-safe; nothing here blocks.
 */
public final class HeldBytes {
    public static final long SMALL_BYTES = 64 * 1024;

    /** The one of this process; a service limits it when it starts. */
    public static final HeldBytes OF_PROCESS = new HeldBytes(quarterOfHeap());

    private volatile long max;
    private final AtomicLong held = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();
    private final Set<Holder> large = ConcurrentHashMap.newKeySet();

    /** @param max in bytes */
    public HeldBytes(long max) {
        limit(max);
    }

    /**
     * Another limit from now on.
     *
     * @param max in bytes
     */
    public void limit(long max) {
        if (max < SMALL_BYTES) {
            throw new IllegalArgumentException("at least " + SMALL_BYTES + " bytes, not " + max);
        }
        this.max = max;
    }

    /** Of the largest heap that this process may have, in bytes. */
    public static long quarterOfHeap() {
        return Math.max(SMALL_BYTES, Runtime.getRuntime().maxMemory() / 4);
    }

    public long max() {
        return max;
    }

    /** Bytes held now. */
    public long held() {
        return held.get();
    }

    /** How many holders have been ended because the limit was exceeded. */
    public long ended() {
        return ended.get();
    }

    /** More than half of the limit is used: whoever reads ahead should not. */
    public boolean isTight() {
        return held.get() > max / 2;
    }

    /**
     * A new holder, which must be closed.
     *
     * @param end called at most once, on any thread, with the reason in words: it must release what is held, soon and without
     *     blocking
     */
    public Holder holder(Consumer<String> end) {
        return new Holder(end);
    }

    private void endLargestUntilWithin() {
        List<Holder> over = new ArrayList<>();
        synchronized (this) {
            while (held.get() > max) {
                Optional<Holder> largest = large.stream().max(Comparator.comparingLong(Holder::bytes));
                if (largest.isEmpty()) {
                    break;
                }
                if (largest.get().drop()) {
                    over.add(largest.get());
                }
            }
        }
        for (Holder holder : over) {
            ended.incrementAndGet();
            holder.end.accept(
                    "what this server sends takes more memory than what any other server sends, and all together"
                            + " take more than Postbus has for that");
        }
    }

    /** One connection or one client of a server. Counts nothing more once it was closed or ended. */
    public final class Holder implements AutoCloseable {
        private final Consumer<String> end;
        private volatile long bytes;
        private boolean over;

        private Holder(Consumer<String> end) {
            this.end = end;
        }

        public long bytes() {
            return bytes;
        }

        /** @param change how many bytes more are held, or less if negative */
        public void add(long change) {
            if (change == 0) {
                return;
            }
            synchronized (this) {
                if (over) {
                    return;
                }
                bytes += change;
                held.addAndGet(change);
                if (bytes >= SMALL_BYTES) {
                    large.add(this);
                } else {
                    large.remove(this);
                }
            }
            if (change > 0 && held.get() > max) {
                endLargestUntilWithin();
            }
        }

        /** One of several things that this holder keeps. */
        public Share share() {
            return new Share(this);
        }

        /** False if it had been closed or ended before. */
        private synchronized boolean drop() {
            if (over) {
                return false;
            }
            over = true;
            held.addAndGet(-bytes);
            bytes = 0;
            large.remove(this);
            return true;
        }

        @Override
        public void close() {
            drop();
        }
    }

    /** A part of what a holder keeps. Thread-safe. */
    public static final class Share implements AutoCloseable {
        private final Holder holder;
        private long bytes;

        private Share(Holder holder) {
            this.holder = holder;
        }

        /** @param now the bytes that are held from now on */
        public void set(long now) {
            long change;
            synchronized (this) {
                change = now - bytes;
                bytes = now;
            }
            holder.add(change);
        }

        public void add(long change) {
            synchronized (this) {
                bytes += change;
            }
            holder.add(change);
        }

        @Override
        public void close() {
            set(0);
        }
    }
}
