package org.postbus.bench.sync;

import java.util.Deque;
import java.util.List;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.options.Server;

/**
 * The options of {@code bench sync}.
 *
 * @param messages in the mailbox
 * @param runs per protocol
 * @param protocols empty: all that the server supports
 */
public record SyncOptions(Server server, int messages, int runs, List<Protocol> protocols) {
    private static final SyncOptions DEFAULT = new SyncOptions(Server.JAMES, 10_000, 8, List.of());
    private static final int MESSAGES_MAX = 1_000_000;
    private static final int RUNS_MAX = 20;

    public SyncOptions {
        if (protocols.isEmpty()) {
            protocols = switch (server) {
                case JAMES -> List.of(Protocol.values());
                case DOVECOT -> List.of(Protocol.IMAP);
            };
        }
    }

    public static SyncOptions parse(Deque<String> rest) {
        SyncOptions parsed = Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--server" ->
                new SyncOptions(Arguments.named(Server.class, value), options.messages, options.runs, List.of());
            case "--messages" ->
                new SyncOptions(options.server, Arguments.number(value, MESSAGES_MAX), options.runs, options.protocols);
            case "--runs" ->
                new SyncOptions(options.server, options.messages, Arguments.number(value, RUNS_MAX), options.protocols);
            case "--protocol" ->
                new SyncOptions(
                        options.server,
                        options.messages,
                        options.runs,
                        List.of(Arguments.named(Protocol.class, value)));
            default -> throw Arguments.unknown(name);
        });
        if (parsed.server == Server.DOVECOT && parsed.protocols.contains(Protocol.JMAP)) {
            throw new IllegalArgumentException("Dovecot has no JMAP");
        }
        return parsed;
    }
}
