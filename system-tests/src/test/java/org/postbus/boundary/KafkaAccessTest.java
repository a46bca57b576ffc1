package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

/** What somebody can do who reaches the broker: without a login, and with the login of one service or of a subscriber. */
class KafkaAccessTest {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
    private static final List<String> TOPICS = List.of(
            Topics.ACCOUNTS,
            Topics.OBSERVATIONS,
            Topics.CHANGES,
            Topics.MUTATIONS,
            Topics.SYNC_REQUESTS,
            Topics.DEAD_LETTERS);

    private static final Map<KafkaUser, Set<String>> READS = new EnumMap<>(Map.of(
            KafkaUser.FETCHER, Set.of(Topics.ACCOUNTS, Topics.SYNC_REQUESTS),
            KafkaUser.WRITER, Set.of(Topics.OBSERVATIONS),
            KafkaUser.OUTBOUND, Set.of(Topics.MUTATIONS),
            KafkaUser.GATEWAY, Set.of(Topics.CHANGES),
            KafkaUser.SUBSCRIBER, Set.of(Topics.CHANGES)));
    private static final Map<KafkaUser, Set<String>> WRITES = new EnumMap<>(Map.of(
            KafkaUser.FETCHER, Set.of(Topics.OBSERVATIONS),
            KafkaUser.WRITER, Set.of(Topics.CHANGES, Topics.DEAD_LETTERS),
            KafkaUser.OUTBOUND, Set.of(Topics.SYNC_REQUESTS),
            KafkaUser.GATEWAY, Set.of(Topics.ACCOUNTS, Topics.MUTATIONS, Topics.SYNC_REQUESTS),
            KafkaUser.SUBSCRIBER, Set.of()));
    private static final Map<KafkaUser, Set<String>> GROUPS = new EnumMap<>(Map.of(
            KafkaUser.FETCHER, Set.of("postbus-fetcher", "postbus-fetcher-sync-requests-1"),
            KafkaUser.WRITER, Set.of("postbus-writer"),
            KafkaUser.OUTBOUND, Set.of("postbus-outbound"),
            KafkaUser.GATEWAY, Set.of(),
            KafkaUser.SUBSCRIBER, Set.of("subscriber-1")));

    private static Kafka kafka;

    @BeforeAll
    static void aRecordInEveryTopic() throws Exception {
        kafka = DevStack.kafka(8);
        try (KafkaProducer<String, String> producer = producer(kafka.connectionOfAdmin())) {
            for (String topic : TOPICS) {
                producer.send(new ProducerRecord<>(topic, 0, "key", "{}"))
                        .get(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void nobody_is_served_without_the_password() {
        Map<String, Object> wrong = new HashMap<>(kafka.connectionOf(KafkaUser.SUBSCRIBER));
        wrong.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"postbus-writer\" password=\"guess\";");
        assertThatThrownBy(() -> topics(wrong)).hasRootCauseInstanceOf(SaslAuthenticationException.class);

        Map<String, Object> stranger = new HashMap<>(wrong);
        stranger.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"stranger\" password=\"guess\";");
        assertThatThrownBy(() -> topics(stranger)).hasRootCauseInstanceOf(SaslAuthenticationException.class);

        // The broker closes the connection; the client tries until its time is up.
        Map<String, Object> anonymous = new HashMap<>(Map.of("bootstrap.servers", kafka.bootstrap()));
        anonymous.put("default.api.timeout.ms", 3_000);
        anonymous.put("request.timeout.ms", 2_000);
        assertThatThrownBy(() -> topics(anonymous)).isInstanceOf(ExecutionException.class);
    }

    @ParameterizedTest
    @EnumSource
    void reads_its_own_topics_only(KafkaUser user) {
        Set<String> read = new TreeSet<>();
        for (String topic : TOPICS) {
            try (KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(kafka.connectionOf(user), new StringDeserializer(), new StringDeserializer())) {
                TopicPartition first = new TopicPartition(topic, 0);
                consumer.assign(List.of(first));
                consumer.seek(first, 0);
                if (!consumer.poll(ANSWER_MAX).isEmpty()) {
                    read.add(topic);
                }
            } catch (AuthorizationException e) {
                assertThat(e).hasMessageContaining(topic);
            }
        }
        assertThat(read).isEqualTo(READS.get(user));
    }

    @ParameterizedTest
    @EnumSource
    void writes_its_own_topics_only(KafkaUser user) throws Exception {
        Set<String> written = new TreeSet<>();
        for (String topic : TOPICS) {
            try (KafkaProducer<String, String> producer = producer(kafka.connectionOf(user))) {
                producer.send(new ProducerRecord<>(topic, 1, "forged", "{}"))
                        .get(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS);
                written.add(topic);
            } catch (ExecutionException e) {
                assertThat(e).as("%s writes %s", user, topic).hasRootCauseInstanceOf(AuthorizationException.class);
            }
        }
        assertThat(written).isEqualTo(WRITES.get(user));
    }

    /** Who may commit the offsets of a group can make its members skip records. */
    @ParameterizedTest
    @EnumSource
    void uses_its_own_groups_only(KafkaUser user) {
        Set<String> used = new TreeSet<>();
        Set<String> all = new TreeSet<>();
        GROUPS.values().forEach(all::addAll);
        all.add("stranger");
        String readable = READS.get(user).iterator().next();
        for (String group : all) {
            Map<String, Object> settings = new HashMap<>(kafka.connectionOf(user));
            settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
            try (KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
                TopicPartition first = new TopicPartition(readable, 0);
                consumer.assign(List.of(first));
                consumer.commitSync(Map.of(first, new OffsetAndMetadata(0)), ANSWER_MAX);
                used.add(group);
            } catch (AuthorizationException e) {
                assertThat(e).hasMessageContaining(group);
            }
        }
        assertThat(used).isEqualTo(GROUPS.get(user));
    }

    @ParameterizedTest
    @EnumSource
    void administers_nothing(KafkaUser user) {
        try (Admin admin = Admin.create(kafka.connectionOf(user))) {
            Map<String, KafkaFuture<?>> attempts = new HashMap<>();
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
            attempts.put(
                    "create topic",
                    admin.createTopics(List.of(new NewTopic("evil", 1, (short) 1)))
                            .all());
            attempts.put("grant", admin.createAcls(user.acls()).all());
            attempts.put(
                    "revoke", admin.deleteAcls(List.of(AclBindingFilter.ANY)).all());
            attempts.put("list rights", admin.describeAcls(AclBindingFilter.ANY).values());
            attempts.put("read settings", admin.describeConfigs(List.of(broker)).all());
            attempts.put(
                    "set a password",
                    admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                                    KafkaUser.WRITER.user(),
                                    new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096),
                                    "evil")))
                            .all());
            attempts.put("list passwords", admin.describeUserScramCredentials().all());
            attempts.put(
                    "change settings",
                    admin.incrementalAlterConfigs(Map.of(
                                    broker,
                                    List.of(new AlterConfigOp(
                                            new ConfigEntry("message.max.bytes", "1"), AlterConfigOp.OpType.SET))))
                            .all());
            for (String topic : TOPICS) {
                attempts.put(
                        "delete " + topic, admin.deleteTopics(List.of(topic)).all());
                attempts.put(
                        "delete records of " + topic,
                        admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(1)))
                                .all());
                attempts.put(
                        "add partitions to " + topic,
                        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(64)))
                                .all());
                attempts.put(
                        "shorten the retention of " + topic,
                        admin.incrementalAlterConfigs(Map.of(
                                        new ConfigResource(ConfigResource.Type.TOPIC, topic),
                                        List.of(new AlterConfigOp(
                                                new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET))))
                                .all());
            }
            List<String> succeeded = new ArrayList<>();
            attempts.forEach((what, attempt) -> {
                Throwable failure = failureOf(attempt);
                if (!(failure instanceof AuthorizationException)) {
                    succeeded.add(what + ": " + failure);
                }
            });
            assertThat(succeeded).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void has_no_transactions(KafkaUser user) {
        Map<String, Object> settings = new HashMap<>(kafka.connectionOf(user));
        settings.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, user.user());
        try (KafkaProducer<String, String> producer = producer(settings)) {
            assertThatThrownBy(producer::initTransactions).isInstanceOf(AuthorizationException.class);
        }
    }

    private static Set<String> topics(Map<String, Object> connection) throws Exception {
        try (Admin admin = Admin.create(connection)) {
            return admin.listTopics().names().get(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static Throwable failureOf(KafkaFuture<?> attempt) {
        try {
            attempt.get(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (Exception e) {
            return e;
        }
    }

    private static KafkaProducer<String, String> producer(Map<String, Object> connection) {
        Map<String, Object> settings = new HashMap<>(connection);
        settings.putIfAbsent(ProducerConfig.ACKS_CONFIG, "all");
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }
}
