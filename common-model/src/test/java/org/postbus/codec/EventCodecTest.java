package org.postbus.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postbus.observation.ObservationBatch;

class EventCodecTest {
    /** Keys of the maps in the samples whose values are not {@code true}. */
    private static final Set<String> KEYS = Set.of("1", "e1");
    /** Names of the optional components. All others are required wherever they occur. */
    private static final Set<String> OPTIONAL = Set.of(
            "failures",
            "jmapId",
            "identity",
            "serverThread",
            "blobId",
            "headerHash",
            "body",
            "modSeq",
            "subject",
            "sentAt",
            "name",
            "charset",
            "disposition",
            "cid",
            "renamedFrom",
            "rawName",
            "parent",
            "parentId",
            "role",
            "highestModSeq",
            "anchor",
            "unsettled",
            "error",
            "retryAt",
            "push",
            "pass",
            "keywords",
            "mailboxIds",
            "accountId",
            "smtp",
            "trustedHosts");

    static Iterable<String> names() {
        return Samples.all().keySet();
    }

    @ParameterizedTest
    @MethodSource("names")
    void unknown_fields_are_ignored(String name) throws IOException {
        Object sample = Samples.all().get(name);
        JsonNode tree = EventCodec.mapper().readTree(EventCodec.encode(sample));
        addUnknownFields(tree);

        Object read = EventCodec.decode(EventCodec.encode(tree), sample.getClass());

        assertThat(read).isEqualTo(sample);
    }

    @ParameterizedTest
    @MethodSource("names")
    void every_missing_required_field_is_an_error(String name) throws IOException {
        Object sample = Samples.all().get(name);
        JsonNode whole = EventCodec.mapper().readTree(EventCodec.encode(sample));
        int removed = 0;
        for (List<Object> path : requiredFields(whole)) {
            JsonNode tree = whole.deepCopy();
            JsonNode parent = tree;
            for (Object step : path.subList(0, path.size() - 1)) {
                parent = step instanceof Integer index ? parent.get(index) : parent.get((String) step);
            }
            ((ObjectNode) parent).remove((String) path.getLast());

            assertThatThrownBy(() -> EventCodec.decode(EventCodec.encode(tree), sample.getClass()))
                    .as("without %s", path)
                    .isInstanceOf(MalformedRecordException.class);
            removed++;
        }
        assertThat(removed).isPositive();
    }

    @Test
    void unknown_type_is_an_error_and_never_a_null() {
        String json = "{\"tenantId\":\"01990000-0000-7000-8000-000000000001\",\"accountId\":"
                + "\"01990000-0000-7000-8000-0000000000a1\",\"fence\":1,\"seq\":1,"
                + "\"observations\":[{\"type\":\"email-teleported\"}]}";

        assertThatThrownBy(() -> EventCodec.decode(json, ObservationBatch.class))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageContaining("email-teleported");
    }

    @Test
    void deep_nesting_is_an_error_and_not_a_stack_overflow() {
        byte[] bomb = ("{\"observations\":" + "[".repeat(100_000)).getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> EventCodec.decode(bomb, ObservationBatch.class))
                .isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void error_quotes_no_content() {
        assertThatThrownBy(() -> EventCodec.decode("{\"subject\": \"a secret\" oops", ObservationBatch.class))
                .isInstanceOf(MalformedRecordException.class)
                .hasMessageNotContaining("a secret");
    }

    private static void addUnknownFields(JsonNode node) {
        for (JsonNode child : node) {
            addUnknownFields(child);
        }
        boolean isMap = node.isObject() && node.size() > 0 && allTrue(node);
        if (node instanceof ObjectNode object && !isMap && !isEmptyMapOrOneByKey(object)) {
            object.put("fieldOfTheFuture", 1);
        }
    }

    /** Whether the fields are the entries of a map, other than RFC 8621's {@code {id: true}}: bodyValues by part, new ids by old ones. */
    private static boolean isEmptyMapOrOneByKey(ObjectNode object) {
        return object.isEmpty() || KEYS.stream().anyMatch(object::has);
    }

    private static boolean allTrue(JsonNode node) {
        for (JsonNode child : node) {
            if (!child.isBoolean() || !child.booleanValue()) {
                return false;
            }
        }
        return true;
    }

    private static List<List<Object>> requiredFields(JsonNode root) {
        List<List<Object>> paths = new ArrayList<>();
        collect(root, new ArrayList<>(), paths);
        return paths;
    }

    private static void collect(JsonNode node, List<Object> path, List<List<Object>> paths) {
        if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                collect(array.get(i), with(path, i), paths);
            }
        } else if (node.isObject() && !(node.size() > 0 && allTrue(node))) {
            Iterator<Map.Entry<String, JsonNode>> fields = node.fields();
            while (fields.hasNext()) {
                Map.Entry<String, JsonNode> field = fields.next();
                boolean entryOfMap = KEYS.contains(field.getKey());
                boolean tenantsAccount = node.has("tenantId") && field.getKey().equals("accountId");
                boolean emailOfMutation =
                        node.has("mutationId") && field.getKey().equals("emailId");
                boolean threadOfUpdate = node.has("email") && field.getKey().equals("threadId");
                if (!entryOfMap
                        && !threadOfUpdate
                        && !emailOfMutation
                        && (!OPTIONAL.contains(field.getKey()) || tenantsAccount)) {
                    paths.add(with(path, field.getKey()));
                }
                collect(field.getValue(), with(path, field.getKey()), paths);
            }
        }
    }

    private static List<Object> with(List<Object> path, Object step) {
        List<Object> longer = new ArrayList<>(path);
        longer.add(step);
        return longer;
    }
}
