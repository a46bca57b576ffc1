package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;

class JmapIdPagesTest {

    @Test
    void an_anchor_keeps_the_position() throws InterruptedException {
        Server server = new Server(1200, true, new Random(1), 0);

        List<String> all = readAll(new JmapIdPages(server::page, Optional.empty()));

        assertThat(all).containsExactlyElementsOf(server.ids);
        assertThat(server.asked)
                .allMatch(start -> start instanceof QueryStart.After || start.equals(new QueryStart.Position(0)));
    }

    @Test
    void an_interrupted_enumeration_continues_after_its_anchor() throws InterruptedException {
        Server server = new Server(1200, true, new Random(1), 0);

        List<String> rest = readAll(new JmapIdPages(server::page, Optional.of(server.ids.get(699))));

        assertThat(rest).containsExactlyElementsOf(server.ids.subList(700, 1200));
    }

    @Test
    void without_anchors_positions_overlap_and_no_id_is_repeated() throws InterruptedException {
        Server server = new Server(1200, false, new Random(1), 0);

        List<String> all = readAll(new JmapIdPages(server::page, Optional.empty()));

        assertThat(all).containsExactlyElementsOf(server.ids);
    }

    @Test
    void a_vanished_anchor_restarts_the_enumeration() throws InterruptedException {
        Server server = new Server(600, false, new Random(1), 0);
        JmapIdPages pages = new JmapIdPages(server::page, Optional.of("destroyed"));

        List<String> all = readAll(pages);

        assertThat(pages.restarted()).isTrue();
        assertThat(all).containsExactlyElementsOf(server.ids);
    }

    @Test
    void no_email_that_exists_throughout_is_missed_whatever_arrives_and_vanishes() throws InterruptedException {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            Server server = new Server(random.nextInt(3000), random.nextBoolean(), random, 300);
            Set<String> before = new LinkedHashSet<>(server.ids);

            List<String> all = readAll(new JmapIdPages(server::page, Optional.empty()));

            before.retainAll(server.ids);
            assertThat(new HashSet<>(all)).as("seed %d", seed).containsAll(before);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_list_that_repeats_itself_ends_with_an_error_that_says_so(boolean anchors) {
        List<String> page = IntStream.range(0, JmapIdPages.PAGE_IDS)
                .mapToObj(number -> "e" + number / 2)
                .toList();
        JmapIdPages pages = new JmapIdPages(
                (start, limit) -> {
                    if (!anchors && start instanceof QueryStart.After) {
                        throw new ServerException(new ServerFailure.Rejected("invalidArguments", "no anchors"));
                    }
                    return page;
                },
                Optional.empty());

        assertThatThrownBy(() -> readAll(pages))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        error -> assertThat(error.failure()).isInstanceOf(ServerFailure.LimitExceeded.class))
                .hasMessageContaining("again and again");
    }

    private static List<String> readAll(JmapIdPages pages) throws InterruptedException {
        List<String> all = new ArrayList<>();
        for (List<String> page = pages.next(); !page.isEmpty(); page = pages.next()) {
            all.addAll(page);
        }
        return all;
    }

    /** Newest first; between two pages some mail arrives and some is destroyed. */
    private static final class Server {
        final List<String> ids = new ArrayList<>();
        final List<QueryStart> asked = new ArrayList<>();
        private final boolean anchors;
        private final Random random;
        private final int changesMax;
        private int next;

        Server(int emails, boolean anchors, Random random, int changesMax) {
            this.anchors = anchors;
            this.random = random;
            this.changesMax = changesMax;
            for (int i = 0; i < emails; i++) {
                ids.addFirst("e" + next++);
            }
        }

        List<String> page(QueryStart start, int limit) {
            asked.add(start);
            int from =
                    switch (start) {
                        case QueryStart.Position(long position) -> (int) Math.min(position, ids.size());
                        case QueryStart.After(String id) -> {
                            if (!anchors || !ids.contains(id)) {
                                throw new ServerException(new ServerFailure.Rejected(
                                        anchors ? "anchorNotFound" : "invalidArguments", "no such anchor"));
                            }
                            yield ids.indexOf(id) + 1;
                        }
                    };
            List<String> page = List.copyOf(ids.subList(from, Math.min(ids.size(), from + limit)));
            change();
            return page;
        }

        private void change() {
            if (changesMax == 0) {
                return;
            }
            for (int i = random.nextInt(changesMax); i > 0 && !ids.isEmpty(); i--) {
                ids.remove(random.nextInt(ids.size()));
            }
            for (int i = random.nextInt(10); i > 0; i--) {
                ids.addFirst("e" + next++);
            }
        }
    }
}
