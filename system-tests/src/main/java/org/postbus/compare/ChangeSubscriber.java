package org.postbus.compare;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.TopicFollower;
import org.postbus.model.AccountId;
import org.postbus.topic.Topics;

/**
 * A subscriber of {@code postbus.changes} that reads from the first record and checks every guarantee of {@code docs/events.md}: order,
 * no gaps, identical repeated deliveries, CloudEvents in binary mode.
 */
public final class ChangeSubscriber implements AutoCloseable {
    private final TopicFollower follower;
    private final Map<AccountId, Followed> accounts = new HashMap<>();
    private final List<String> problems = new ArrayList<>();

    private static final class Followed {
        private final ChangeFold fold = new ChangeFold();
        private final List<byte[]> values = new ArrayList<>();
        private final List<String> ids = new ArrayList<>();
        private long repeated;
    }

    /**
     * An account as the subscriber knows it.
     *
     * @param repeated number of repeated deliveries
     */
    public record AccountState(ChangeFold fold, long repeated) {}

    /** @param connection a Kafka client's settings: address and login */
    public ChangeSubscriber(Map<String, Object> connection) {
        follower =
                new TopicFollower(connection, Topics.CHANGES, TopicFollower.From.BEGINNING, this::accept, this::failed);
    }

    /** The last seq received; 0 before the first. */
    public synchronized long seq(AccountId account) {
        Followed followed = accounts.get(account);
        return followed == null ? 0 : followed.fold.seq();
    }

    public synchronized AccountState state(AccountId account) {
        Followed followed = accounts.getOrDefault(account, new Followed());
        return new AccountState(followed.fold, followed.repeated);
    }

    /** Violated guarantees. */
    public synchronized List<String> problems() {
        return List.copyOf(problems);
    }

    @Override
    public void close() {
        follower.close();
    }

    private synchronized void failed(Throwable cause) {
        problems.add("the subscriber failed: " + cause);
    }

    private synchronized void accept(ConsumerRecord<byte[], byte[]> record) {
        ChangeEvent event = EventCodec.decode(record.value(), ChangeEvent.class);
        Followed followed = accounts.computeIfAbsent(event.accountId(), id -> new Followed());
        String where = event.accountId() + " seq " + event.seq() + ": ";
        String id = header(record, "ce_id");
        expect(where + "key", event.accountId().toString(), new String(record.key(), StandardCharsets.UTF_8));
        expect(where + "ce_specversion", "1.0", header(record, "ce_specversion"));
        expect(where + "ce_type", ChangeEvent.typeOf(event.change()), header(record, "ce_type"));
        expect(where + "ce_source", "/postbus/accounts/" + event.accountId(), header(record, "ce_source"));
        expect(where + "content-type", "application/json", header(record, "content-type"));
        if (id.isEmpty() || header(record, "ce_time").isEmpty()) {
            problems.add(where + "ce_id or ce_time is missing");
        }
        if (event.seq() <= followed.fold.seq()) {
            followed.repeated++;
            int index = (int) event.seq() - 1;
            if (!Arrays.equals(followed.values.get(index), record.value())
                    || !followed.ids.get(index).equals(id)) {
                problems.add(where + "was delivered again with other content");
            }
            return;
        }
        followed.values.add(record.value());
        followed.ids.add(id);
        followed.fold.apply(event);
    }

    private void expect(String what, String expected, String actual) {
        if (!expected.equals(actual)) {
            problems.add(what + " is " + actual + ", not " + expected);
        }
    }

    private static String header(ConsumerRecord<?, ?> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }
}
