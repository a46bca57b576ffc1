package org.postbus.bench;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;

/**
 * {@code ./postbus bench [NAME]}. Without a name it runs them all. Exit codes: 0 measured, 1 something failed, 2 the arguments were
 * not understood.
 */
public final class Main {
    private static final String USAGE = """
            usage: ./postbus bench [NAME] [--messages N] [--runs N] [--protocol imap|jmap]

            %s

              --messages N   in the mailbox (10000)
              --runs N       how often each is measured; the first is with cold JVMs (2)
              --protocol P   only this one
            """;

    private static final int MESSAGES_MAX = 1_000_000;
    private static final int RUNS_MAX = 20;

    private Main() {}

    /** The benchmarks there are. */
    private enum Bench {
        SYNC("sync", "the first synchronisation of a mailbox, against what the server can give at most") {
            @Override
            void run(SyncBench.Options options) {
                new SyncBench(options, System.out).run();
            }
        };

        private final String shownName;
        private final String what;

        Bench(String shownName, String what) {
            this.shownName = shownName;
            this.what = what;
        }

        abstract void run(SyncBench.Options options);
    }

    public static void main(String[] arguments) {
        List<Bench> chosen;
        SyncBench.Options options;
        try {
            Deque<String> rest = new ArrayDeque<>(List.of(arguments));
            chosen = rest.isEmpty() || rest.peek().startsWith("--")
                    ? List.of(Bench.values())
                    : List.of(named(rest.pop()));
            options = options(rest);
        } catch (IllegalArgumentException e) {
            System.err.println("postbus bench: " + e.getMessage() + "\n");
            System.err.print(usage());
            System.exit(2);
            return;
        }
        try {
            chosen.forEach(bench -> bench.run(options));
            System.exit(0);
        } catch (RuntimeException e) {
            System.err.println("postbus bench: " + e.getMessage());
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static Bench named(String name) {
        return Arrays.stream(Bench.values())
                .filter(bench -> bench.shownName.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such benchmark: " + name));
    }

    private static SyncBench.Options options(Deque<String> rest) {
        SyncBench.Options options = SyncBench.Options.DEFAULT;
        while (!rest.isEmpty()) {
            String option = rest.pop();
            if (rest.isEmpty()) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            String value = rest.pop();
            options = switch (option) {
                case "--messages" -> options.messages(number(value, MESSAGES_MAX));
                case "--runs" -> options.runs(number(value, RUNS_MAX));
                case "--protocol" -> options.protocols(List.of(SyncBench.Protocol.named(value)));
                default -> throw new IllegalArgumentException("no such option: " + option);
            };
        }
        return options;
    }

    private static int number(String text, int max) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not a number: " + text, e);
        }
        throw new IllegalArgumentException("must be between 1 and " + max + ": " + text);
    }

    private static String usage() {
        return USAGE.formatted(Arrays.stream(Bench.values())
                .map(bench -> "  %-14s %s".formatted(bench.shownName, bench.what))
                .collect(Collectors.joining("\n")));
    }
}
