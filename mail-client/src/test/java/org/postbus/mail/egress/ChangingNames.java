package org.postbus.mail.egress;

import io.vertx.core.Future;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A name server whose answers change: each lookup of a name takes the next answer, the last one stays. */
final class ChangingNames implements Function<String, Future<List<InetAddress>>> {
    private final Map<String, Deque<List<InetAddress>>> answers = new HashMap<>();
    private final List<String> lookups = new ArrayList<>();

    /** @param addresses one answer, in addition to those that were added before */
    synchronized ChangingNames answer(String name, String... addresses) {
        answers.computeIfAbsent(name, key -> new ArrayDeque<>())
                .add(Arrays.stream(addresses).map(TestEgress::address).toList());
        return this;
    }

    /** From now on this is the only answer. */
    synchronized void change(String name, String... addresses) {
        answers.remove(name);
        answer(name, addresses);
    }

    synchronized List<String> lookups() {
        return List.copyOf(lookups);
    }

    @Override
    public synchronized Future<List<InetAddress>> apply(String name) {
        lookups.add(name);
        Deque<List<InetAddress>> of = answers.get(name);
        if (of == null) {
            return Future.succeededFuture(List.of());
        }
        return Future.succeededFuture(of.size() > 1 ? of.removeFirst() : of.getFirst());
    }
}
