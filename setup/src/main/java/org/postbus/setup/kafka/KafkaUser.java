package org.postbus.setup.kafka;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.postbus.topic.Topics;

/**
 * The users of Kafka and what each of them may do: nothing else, on no other topic. {@code READ} and {@code WRITE} include {@code DESCRIBE}. No
 * user has a right to the cluster or to transactions; idempotent producers need none.
 *
 * <p>{@code deploy/kafka-acls.sh} grants the same; a test compares it with this list.
 */
public enum KafkaUser {
    FETCHER(
            "postbus-fetcher",
            read(Topics.ACCOUNTS),
            read(Topics.SYNC_REQUESTS),
            write(Topics.OBSERVATIONS),
            // One group for accounts, and one per process for sync requests.
            groups("postbus-fetcher")),
    WRITER(
            "postbus-writer",
            read(Topics.OBSERVATIONS),
            write(Topics.CHANGES),
            write(Topics.DEAD_LETTERS),
            groups("postbus-writer")),
    OUTBOUND("postbus-outbound", read(Topics.MUTATIONS), write(Topics.SYNC_REQUESTS), groups("postbus-outbound")),
    /** Reads changes without a group. */
    GATEWAY(
            "postbus-gateway",
            write(Topics.ACCOUNTS),
            write(Topics.MUTATIONS),
            write(Topics.SYNC_REQUESTS),
            read(Topics.CHANGES)),
    /** Other systems. The names of their groups start with {@code subscriber}. */
    SUBSCRIBER("postbus-subscriber", read(Topics.CHANGES), groups("subscriber"));

    /** One right, of whichever user. */
    private record Right(ResourceType type, String name, PatternType pattern, AclOperation operation) {}

    private final String user;
    private final List<Right> rights;

    KafkaUser(String user, Right... rights) {
        this.user = user;
        this.rights = List.of(rights);
    }

    /** The user's name; the principal is {@code User:} and this name. */
    public String user() {
        return user;
    }

    public String principal() {
        return "User:" + user;
    }

    public List<AclBinding> acls() {
        return rights.stream()
                .map(right -> new AclBinding(
                        new ResourcePattern(right.type(), right.name(), right.pattern()),
                        new AccessControlEntry(principal(), "*", right.operation(), AclPermissionType.ALLOW)))
                .toList();
    }

    /** All rights of all users, as arguments of Kafka's {@code kafka-acls.sh --add}, one line each. */
    public static List<String> asArguments() {
        return Stream.of(values())
                .flatMap(user -> user.rights.stream().map(right -> asArguments(user, right)))
                .toList();
    }

    private static String asArguments(KafkaUser user, Right right) {
        return "--allow-principal " + user.principal()
                + " --operation " + name(right.operation().name())
                + " --" + right.type().name().toLowerCase(Locale.ROOT) + " " + right.name()
                + (right.pattern() == PatternType.PREFIXED ? " --resource-pattern-type prefixed" : "");
    }

    private static String name(String constant) {
        return constant.charAt(0) + constant.substring(1).toLowerCase(Locale.ROOT);
    }

    private static Right read(String topic) {
        return new Right(ResourceType.TOPIC, topic, PatternType.LITERAL, AclOperation.READ);
    }

    private static Right write(String topic) {
        return new Right(ResourceType.TOPIC, topic, PatternType.LITERAL, AclOperation.WRITE);
    }

    private static Right groups(String prefix) {
        return new Right(ResourceType.GROUP, prefix, PatternType.PREFIXED, AclOperation.READ);
    }
}
