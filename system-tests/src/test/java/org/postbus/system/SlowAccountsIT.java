package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.UidRange;
import org.postbus.topic.Topics;

/**
 * Accounts whose batches take long, or can not be applied at all for a while, and others, through the writer's channel. The accounts have no fetcher:
 * the test writes their batches.
 */
class SlowAccountsIT {
    private static final MailboxKey INBOX = MailboxKey.ofRawName("INBOX");
    private static final int LOCKED = 20;
    /** What a fetcher has ahead of the writer: 8 batches of nearly 512 KiB. */
    private static final int AHEAD = 8;

    private static final int HUGE = 300_000;

    private final RunningPostbus running = RunningPostbus.get();
    private final KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
            running.postbus.kafka().connectionOfAdmin(), new StringSerializer(), new ByteArraySerializer());

    /** An account as the gateway and a fetcher's first claim leave it. */
    private final class Fetched {
        final TenantId tenant = new TenantId(UUID.randomUUID());
        final AccountId id = new AccountId(UUID.randomUUID());
        long seq;

        Fetched() throws SQLException {
            update("insert into tenant (tenant_id, name) values (?, 'slow')", tenant.value());
            update(
                    "insert into account (account_id, tenant_id, protocol, email, settings, status)"
                            + " values (?, ?, 'imap', 'a@example.com', '{}', 'paused')",
                    id.value(),
                    tenant.value());
            update(
                    "insert into account_sync (account_id, tenant_id, fence) values (?, ?, 1)",
                    id.value(),
                    tenant.value());
        }

        void send(Observation... observations) throws Exception {
            seq++;
            producer.send(new ProducerRecord<>(
                            Topics.OBSERVATIONS,
                            id.toString(),
                            EventCodec.encode(new ObservationBatch(tenant, id, 1, seq, List.of(observations)))))
                    .get(60, TimeUnit.SECONDS);
        }

        long applied() throws SQLException {
            return number("select applied_seq from account_sync where account_id = ?", id.value());
        }

        /** Sends a batch and waits until it is applied. */
        Duration delay() throws Exception {
            long began = System.nanoTime();
            send(mailbox(INBOX));
            await().atMost(Duration.ofSeconds(120))
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> applied() == seq);
            return Duration.ofNanos(System.nanoTime() - began);
        }
    }

    @AfterEach
    void close() {
        producer.close();
    }

    @Test
    void locked_accounts_with_more_batches_than_memory_delay_others_by_less_than_a_second() throws Exception {
        Fetched other = new Fetched();
        other.delay();
        // UIDs that no message has.
        List<UidRange> large = IntStream.range(0, 12_000)
                .mapToObj(i -> new UidRange(1_000_000_000L + 2 * i, 1_000_000_000L + 2 * i))
                .toList();
        List<Fetched> locked = new ArrayList<>();
        try (Connection connection = running.database()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < LOCKED; i++) {
                Fetched account = new Fetched();
                locked.add(account);
                try (PreparedStatement lock =
                        connection.prepareStatement("select from account_sync where account_id = ? for update")) {
                    lock.setObject(1, account.id.value());
                    lock.execute();
                }
            }
            for (int batch = 0; batch < AHEAD; batch++) {
                for (Fetched account : locked) {
                    account.send(mailbox(INBOX), new Observation.UidsVanished(INBOX, 1, large));
                }
            }
            List<Duration> delays = new ArrayList<>();
            // The first one waits for all that was sent before to be read.
            other.delay();
            for (int i = 0; i < 30; i++) {
                delays.add(other.delay());
                Thread.sleep(200);
            }
            assertThat(delays).as("delays of the other account").allMatch(delay -> delay.toMillis() < 1000);
            connection.rollback();
        }
        for (Fetched account : locked) {
            await().atMost(Duration.ofSeconds(120)).until(() -> account.applied() == AHEAD);
        }
    }

    @Test
    void a_huge_mailbox_that_vanishes_delays_others_by_less_than_a_second() throws Exception {
        Fetched other = new Fetched();
        Fetched huge = new Fetched();
        other.delay();
        huge.delay();
        fill(huge);

        huge.send(new Observation.UidsVanished(INBOX, 1, List.of(new UidRange(1, HUGE))));
        huge.send(pass());
        huge.send(pass());
        List<Duration> delays = new ArrayList<>();
        while (huge.applied() < huge.seq && delays.size() < 2000) {
            delays.add(other.delay());
            Thread.sleep(50);
        }

        assertThat(delays).as("delays of the other account").allMatch(delay -> delay.toMillis() < 1000);
        assertThat(number("select count(*) from email where account_id = ?", huge.id.value()))
                .isZero();
        assertThat(number(
                        "select count(*) from change_log where account_id = ? and type = 'email.destroyed'",
                        huge.id.value()))
                .isEqualTo(HUGE);
        assertThat(number("select max(seq) - count(*) from change_log where account_id = ?", huge.id.value()))
                .as("gaps")
                .isZero();
        System.out.printf(
                "%d emails vanished and were destroyed; %d batches of another account meanwhile, the slowest after %d ms%n",
                HUGE,
                delays.size(),
                delays.stream().mapToLong(Duration::toMillis).max().orElse(0));
    }

    private void fill(Fetched account) throws SQLException {
        update("""
                insert into email (account_id, tenant_id, email_id, thread_id, size, received_at, headers, has_attachment, preview)
                select ?, ?, md5('email' || i)::uuid, md5('email' || i)::uuid, i, now(), '{}', false, '' from generate_series(1, ?) i""", account.id.value(), account.tenant.value(), HUGE);
        update("""
                insert into email_mailbox (account_id, tenant_id, mailbox_id, uid, uidvalidity, email_id, received_at)
                select m.account_id, m.tenant_id, m.mailbox_id, i, 1, md5('email' || i)::uuid, now()
                from mailbox m, generate_series(1, ?) i where m.account_id = ? and m.name = 'INBOX'""", HUGE, account.id.value());
    }

    private static Observation.MailboxObserved mailbox(MailboxKey key) {
        String name = key.value().substring(key.value().indexOf(':') + 1);
        return new Observation.MailboxObserved(new ObservedMailbox(
                key,
                Optional.empty(),
                Optional.of(name),
                name,
                Optional.empty(),
                Optional.empty(),
                0,
                true,
                true,
                0,
                0));
    }

    private static Observation.PassFinished pass() {
        return new Observation.PassFinished(Instant.now(), Instant.now(), true, Optional.empty());
    }

    private void update(String sql, Object... parameters) throws SQLException {
        try (Connection connection = running.database();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.executeUpdate();
        }
    }

    private long number(String sql, UUID account) throws SQLException {
        try (Connection connection = running.database();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, account);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }
}
