package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.postbus.account.AccountSettings;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.DirectWriter;
import org.postbus.fetcher.FetcherUnderTest;
import org.postbus.fetcher.SourceContract;
import org.postbus.fetcher.TestAccount;
import org.postbus.mail.jmap.fake.FakeJmapServer;

/**
 * An account of very many emails takes as much memory as a small one. The server is in the same heap of 192 MB and stores none of
 * them, so all growth is ours.
 */
@Isolated
class LargeJmapAccountTest {
    private static final int EMAILS = SourceContract.LONG ? 100_000 : 4_000;
    private static final int PAGE = 500;
    /** What may be fetched twice after an interruption: the batches ahead, and one page. */
    private static final int AGAIN_MAX = 9 * PAGE;
    /** What is in flight, not what exists. */
    private static final long GROWTH_OCTETS_MAX = 12 << 20;

    /** For an email that is kept by its id only: the old and the new id, and what identifies the old one. */
    private static final long ID_OCTETS_MAX = 800;

    private static final Duration WAIT = Duration.ofMinutes(SourceContract.LONG ? 10 : 3);

    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger fromTheTop = new AtomicInteger();
    private final AtomicInteger bodies = new AtomicInteger();
    private final AtomicBoolean halted = new AtomicBoolean();
    private TestAccount account;
    private long heapAtFirst;
    private long heapMost;

    @Test
    void it_is_synced_and_compared_in_bounded_memory() throws Exception {
        Vertx vertx = Vertx.vertx();
        try (FakeJmapServer server = FakeJmapServer.start(vertx);
                FetcherUnderTest fetcher =
                        new FetcherUnderTest(DevStack.postgres().freshDatabase(), Duration.ofSeconds(1))) {
            server.pageMax(PAGE);
            server.makeUpEmails("inbox-id", EMAILS);
            server.giveRequestsTo(request -> {
                count(request);
                if (bodies.get() >= EMAILS / 2 && halted.compareAndSet(false, true)) {
                    server.next("/api/", unanswered -> {});
                }
            });
            fetcher.writer.keepNothing();
            account = fetcher.account(
                    new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD);

            interruptedFirstRun(fetcher);
            lostHistory(fetcher, server);
            reassignsIds(fetcher, server);

            assertThat(server.complaints()).isEmpty();
            fetcher.writer.assertNoBreach();
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
    }

    private void interruptedFirstRun(FetcherUnderTest fetcher) {
        long began = System.nanoTime();
        fetcher.start(account);
        awaitWatchingTheHeap(() -> stored() >= 1000);
        heapAtFirst = heapMost;
        awaitWatchingTheHeap(halted::get);
        fetcher.stop(account);

        fetcher.start(account);
        awaitWatchingTheHeap(() -> finished() && stored() == EMAILS);

        report("first run", began);
        assertThat(fromTheTop).as("a new claim goes on where the last one was").hasValue(1);
        assertThat(bodies).hasValueLessThan(EMAILS + AGAIN_MAX);
        assertThat(heapMost - heapAtFirst).as("octets").isLessThan(GROWTH_OCTETS_MAX);
    }

    private void lostHistory(FetcherUnderTest fetcher, FakeJmapServer server) {
        fetcher.stop(account);
        long seqBefore = Long.parseLong(account.read("select change_seq from account_sync where account_id = ?"));
        heapMost = 0;
        requests.set(0);
        bodies.set(0);
        long began = System.nanoTime();
        int middle = EMAILS / 2;
        server.updateEmail(
                FakeJmapServer.madeUpId(middle),
                email -> email.putObject("keywords").put("$flagged", true));
        server.destroyEmail(FakeJmapServer.madeUpId(middle + 1));
        server.destroyEmail(FakeJmapServer.madeUpId(EMAILS - 1));
        server.mergeThreads(List.of(FakeJmapServer.madeUpId(7), FakeJmapServer.madeUpId(middle + 7)), true);
        server.addEmail("new", "inbox-id", "2026-01-01T00:00:00Z", "new", "text");
        server.forgetChanges();

        fetcher.start(account);
        Map<String, Long> news = Map.of("email.updated", 3L, "email.destroyed", 2L, "email.created", 1L);
        awaitWatchingTheHeap(() ->
                changes(seqBefore).values().stream().mapToLong(Long::longValue).sum() >= 6 && finished());

        report("comparison", began);
        assertThat(changes(seqBefore)).isEqualTo(news);
        assertThat(bodies).as("emails that were read again").hasValue(3);
        assertThat(heapMost - heapAtFirst).as("octets").isLessThan(GROWTH_OCTETS_MAX);
    }

    /** Here emails are recognised by their ids only, which take memory. */
    private void reassignsIds(FetcherUnderTest fetcher, FakeJmapServer server) {
        fetcher.stop(account);
        long seqBefore = Long.parseLong(account.read("select change_seq from account_sync where account_id = ?"));
        heapMost = 0;
        requests.set(0);
        bodies.set(0);
        long began = System.nanoTime();
        server.reassignIds();

        fetcher.start(account);
        awaitWatchingTheHeap(() -> finished()
                && account.read("select count(*) from email where account_id = ? and identity like 'jmap:00000000-%'")
                        .equals("0"));

        report("reassigned ids", began);
        assertThat(changes(seqBefore)).isEmpty();
        assertThat(heapMost - heapAtFirst).as("octets").isLessThan(GROWTH_OCTETS_MAX + EMAILS * ID_OCTETS_MAX);
    }

    /** Called by the server for each of our requests. */
    private void count(JsonNode request) {
        requests.incrementAndGet();
        request.path("methodCalls").forEach(call -> {
            JsonNode arguments = call.path(1);
            if (call.path(0).asText().equals("Email/query")
                    && arguments.path("position").asLong(0) == 0
                    && !arguments.has("anchor")) {
                fromTheTop.incrementAndGet();
            }
            if (arguments.has("bodyProperties")) {
                bodies.addAndGet(arguments.path("ids").size());
            }
        });
    }

    private void awaitWatchingTheHeap(BooleanSupplier isSo) {
        await().atMost(WAIT).pollInterval(Duration.ofMillis(300)).until(() -> {
            heapMost = Math.max(heapMost, heap());
            return isSo.getAsBoolean();
        });
    }

    /** Reachable memory in bytes. */
    private static long heap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private void report(String what, long began) {
        System.out.printf(
                "LargeJmapAccountTest: %s of %d emails: %d s, %d requests, %d emails with their bodies, the heap grew from %d to %d KiB%n",
                what,
                EMAILS,
                Duration.ofNanos(System.nanoTime() - began).toSeconds(),
                requests.get(),
                bodies.get(),
                heapAtFirst >> 10,
                heapMost >> 10);
    }

    private long stored() {
        return Long.parseLong(account.read("select count(*) from email where account_id = ?"));
    }

    private Map<String, Long> changes(long after) {
        Map<String, Long> changes = new TreeMap<>();
        DirectWriter.query(
                account.database(),
                "select type, count(*) from change_log where account_id = ? and seq > ? and type like 'email.%' group by type",
                row -> changes.put(row.getString(1), row.getLong(2)),
                account.accountId().value(),
                after);
        return changes;
    }

    private boolean finished() {
        return account.read("select state || ' ' || initial_done from account_sync where account_id = ?")
                .equals("idle true");
    }
}
