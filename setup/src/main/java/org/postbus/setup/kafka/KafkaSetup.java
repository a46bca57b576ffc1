package org.postbus.setup.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.postbus.account.Secret;
import org.postbus.topic.Topics;

/** Prepares a Kafka cluster for Postbus: topics, users, rights. May run at every deployment. */
public final class KafkaSetup {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(120);
    /** RFC 7677 requires 4096. The passwords are random, so more would protect nothing. */
    private static final int SCRAM_ITERATIONS = 4096;

    private final Admin admin;

    public KafkaSetup(Admin admin) {
        this.admin = admin;
    }

    /**
     * Creates the topics that are missing. Existing ones stay as they are: an account must stay in its partition.
     *
     * @throws IllegalStateException if Kafka refuses or does not answer within 120 s
     */
    public void createTopics(int partitions, short replicas) {
        Set<String> existing = await("list topics", admin.listTopics().names());
        await(
                "create topics",
                admin.createTopics(topics(partitions, replicas)
                                .filter(topic -> !existing.contains(topic.name()))
                                .toList())
                        .all());
    }

    /** Sets these passwords, for SCRAM-SHA-512. Kafka stores verifiers; the passwords do not leave this process. */
    public void setPasswords(Map<KafkaUser, Secret> passwords) {
        if (passwords.isEmpty()) {
            return;
        }
        List<UserScramCredentialAlteration> alterations = new ArrayList<>();
        passwords.forEach((user, password) -> alterations.add(new UserScramCredentialUpsertion(
                user.user(),
                new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS),
                password.reveal())));
        await("set passwords", admin.alterUserScramCredentials(alterations).all());
    }

    /** Gives each user its rights, and takes from it all others. The cluster must have an authorizer. */
    public void grant() {
        for (KafkaUser user : KafkaUser.values()) {
            Set<AclBinding> surplus = new HashSet<>(
                    await("list rights", admin.describeAcls(of(user)).values()));
            user.acls().forEach(surplus::remove);
            await("grant rights", admin.createAcls(user.acls()).all());
            if (!surplus.isEmpty()) {
                await(
                        "revoke rights",
                        admin.deleteAcls(surplus.stream()
                                        .map(AclBinding::toFilter)
                                        .toList())
                                .all());
            }
        }
    }

    private static AclBindingFilter of(KafkaUser user) {
        return new AclBindingFilter(
                ResourcePatternFilter.ANY,
                new AccessControlEntryFilter(user.principal(), null, AclOperation.ANY, AclPermissionType.ANY));
    }

    private static Stream<NewTopic> topics(int partitions, short replicas) {
        Map<String, String> newestPerKey = Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG,
                TopicConfig.CLEANUP_POLICY_COMPACT,
                TopicConfig.SEGMENT_MS_CONFIG,
                millis(Duration.ofDays(1)),
                TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
                "0.1");
        return Stream.of(
                new NewTopic(Topics.ACCOUNTS, partitions, replicas).configs(newestPerKey),
                new NewTopic(Topics.OBSERVATIONS, partitions, replicas).configs(retention(Duration.ofDays(7))),
                new NewTopic(Topics.CHANGES, partitions, replicas).configs(retention(Duration.ofDays(7))),
                new NewTopic(Topics.MUTATIONS, partitions, replicas).configs(retention(Duration.ofDays(1))),
                new NewTopic(Topics.SYNC_REQUESTS, partitions, replicas).configs(retention(Duration.ofHours(1))),
                new NewTopic(Topics.DEAD_LETTERS, partitions, replicas).configs(retention(Duration.ofDays(30))));
    }

    private static Map<String, String> retention(Duration time) {
        return Map.of(TopicConfig.RETENTION_MS_CONFIG, millis(time));
    }

    private static String millis(Duration time) {
        return Long.toString(time.toMillis());
    }

    private static <T> T await(String what, KafkaFuture<T> future) {
        try {
            return future.get(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for Kafka", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(
                    "Kafka did not " + what + ": " + e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("Kafka did not " + what + " within " + ANSWER_MAX.toSeconds() + " s", e);
        }
    }
}
