package org.postbus.mail.jmap.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapMethod.BodyValues;
import org.postbus.mail.jmap.method.JmapMethod.EmailChanges;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.EmailQuery;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChanges;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.Keyword;

/** Known answers: requests, byte by byte; responses as servers send them. */
class JmapCodecTest {

    @Test
    void request_names_its_capabilities_and_numbers_its_calls() {
        var request = new JmapRequest();
        request.add(new MailboxGet(Ids.all()));
        request.add(new MailboxChanges("s1", 500));

        assertThat(written(request))
                .isEqualTo(
                        "{\"using\":[\"urn:ietf:params:jmap:core\",\"urn:ietf:params:jmap:mail\"],\"methodCalls\":["
                                + "[\"Mailbox/get\",{\"accountId\":\"A1\",\"ids\":null},\"c0\"],"
                                + "[\"Mailbox/changes\",{\"accountId\":\"A1\",\"sinceState\":\"s1\",\"maxChanges\":500},\"c1\"]]}");
    }

    @Test
    void page_refers_to_the_ids_of_the_query_before() {
        var request = new JmapRequest();
        var page = request.add(new EmailQuery(new QueryStart.After("E9"), 50));
        request.add(new EmailGet(page.result("/ids"), Optional.of(new BodyValues(true, true, 65536))));

        assertThat(arguments(request, 0))
                .isEqualTo("{\"accountId\":\"A1\",\"sort\":[{\"property\":\"receivedAt\",\"isAscending\":false}],"
                        + "\"anchor\":\"E9\",\"anchorOffset\":1,\"limit\":50}");
        assertThat(arguments(request, 1))
                .isEqualTo(
                        "{\"accountId\":\"A1\",\"#ids\":{\"resultOf\":\"c0\",\"name\":\"Email/query\",\"path\":\"/ids\"},"
                                + "\"properties\":[\"id\",\"blobId\",\"threadId\",\"mailboxIds\",\"keywords\",\"size\",\"receivedAt\","
                                + "\"messageId\",\"inReplyTo\",\"references\",\"sender\",\"from\",\"to\",\"cc\",\"bcc\",\"replyTo\","
                                + "\"subject\",\"sentAt\",\"hasAttachment\",\"preview\",\"textBody\",\"htmlBody\",\"attachments\","
                                + "\"bodyValues\"],\"bodyProperties\":[\"partId\",\"blobId\",\"size\",\"name\",\"type\",\"charset\","
                                + "\"disposition\",\"cid\"],\"fetchTextBodyValues\":true,\"fetchHTMLBodyValues\":true,"
                                + "\"maxBodyValueBytes\":65536}");
    }

    @Test
    void mutable_properties_are_requested_alone() {
        var request = new JmapRequest();
        request.add(new EmailStateGet(Ids.these(List.of("E1", "E2"))));
        request.add(new EmailChanges("s1", 100));
        request.add(new EmailQuery(new QueryStart.Position(200), 100));

        assertThat(arguments(request, 0))
                .isEqualTo("{\"accountId\":\"A1\",\"ids\":[\"E1\",\"E2\"],"
                        + "\"properties\":[\"id\",\"mailboxIds\",\"keywords\"]}");
        assertThat(arguments(request, 1)).isEqualTo("{\"accountId\":\"A1\",\"sinceState\":\"s1\",\"maxChanges\":100}");
        assertThat(arguments(request, 2))
                .isEqualTo("{\"accountId\":\"A1\",\"sort\":[{\"property\":\"receivedAt\",\"isAscending\":false}],"
                        + "\"position\":200,\"limit\":100}");
    }

    @Test
    void updates_are_json_pointers() {
        var request = new JmapRequest();
        request.add(new EmailSet(
                Map.of(
                        "E2",
                        new EmailPatch(Map.of(), Map.of("M/1", false, "M~2", true)),
                        "E1",
                        new EmailPatch(
                                Map.of(Keyword.SEEN, true, Keyword.FLAGGED, false, Keyword.of("a/b~c"), true),
                                Map.of())),
                List.of("E3"),
                Optional.of("s1")));

        assertThat(arguments(request, 0))
                .isEqualTo("{\"accountId\":\"A1\",\"ifInState\":\"s1\",\"update\":{"
                        + "\"E1\":{\"keywords/$flagged\":null,\"keywords/$seen\":true,\"keywords/a~1b~0c\":true},"
                        + "\"E2\":{\"mailboxIds/M~11\":null,\"mailboxIds/M~02\":true}},\"destroy\":[\"E3\"]}");
    }

    @Test
    void answers_are_found_by_call_and_name() {
        var request = new JmapRequest();
        var set = request.add(new EmailSet(Map.of(), List.of("E1"), Optional.empty()));
        var get = request.add(new EmailStateGet(Ids.these(List.of("E1"))));
        var unanswered = request.add(new MailboxGet(Ids.all()));

        JmapResults results = read(request, """
                {"sessionState":"s","methodResponses":[
                 ["Other/set",{},"c0"],
                 ["Email/get",{"state":"7","list":[{"id":"E1","mailboxIds":{"M":true,"N":false},"keywords":{"$Seen":true}},{}],
                  "notFound":null},"c1"],
                 ["Email/set",{"oldState":null,"newState":"8","updated":["U"],"destroyed":["E1"],
                  "notUpdated":{"X":{"type":"forbidden","description":"no"}},"notDestroyed":null},"c0"]]}""");

        assertThat(results.get(set).destroyed()).containsExactly("E1");
        assertThat(results.get(set).updated()).containsExactly("U");
        assertThat(results.get(set).oldState()).isEmpty();
        assertThat(results.get(set).notUpdated()).containsEntry("X", new SetError("forbidden", "no", List.of()));
        assertThat(results.get(get).list()).hasSize(1);
        assertThat(results.get(get).list().getFirst().mailboxIds()).containsExactly("M");
        assertThat(results.get(get).list().getFirst().keywords()).containsExactly(Keyword.SEEN);
        assertThat(results.failure(unanswered).orElseThrow()).isInstanceOf(ServerFailure.Unreachable.class);
        assertThat(results.sessionState()).isEqualTo("s");
    }

    @Test
    void answer_without_a_state_is_a_failure() {
        var request = new JmapRequest();
        var changes = request.add(new EmailChanges("1", 10));

        JmapResults results =
                read(request, "{\"methodResponses\":[[\"Email/changes\",{\"oldState\":\"1\",\"created\":[]},\"c0\"]]}");

        assertThat(results.failure(changes).orElseThrow().text()).contains("newState");
    }

    @Test
    void chunks_fit_the_limit_and_keep_the_order() {
        assertThat(JmapClient.chunks(List.of(1, 2, 3, 4, 5), 2))
                .containsExactly(List.of(1, 2), List.of(3, 4), List.of(5));
        assertThat(JmapClient.chunks(List.of(), 2)).isEmpty();
    }

    private static String written(JmapRequest request) {
        return EventCodec.encodeToString(JmapCodec.write(request, "A1"));
    }

    private static String arguments(JmapRequest request, int call) {
        return JmapCodec.write(request, "A1").at("/methodCalls/" + call + "/1").toString();
    }

    private static JmapResults read(JmapRequest request, String json) {
        return JmapCodec.read(request, EventCodec.decode(json, JsonNode.class));
    }
}
