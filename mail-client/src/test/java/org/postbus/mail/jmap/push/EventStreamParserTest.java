package org.postbus.mail.jmap.push;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.push.EventStreamParser.Event;

class EventStreamParserTest {
    private static final String STREAM = "\uFEFF: hello\r\n\r\nevent: state\ndata: {\"a\":\ndata: \"ü😀\"}\n\n"
            + "data:no blank\r\rid: 7\nretry: 10\nevent\ndata\n\nevent: lost\n\n: ping\r\n"
            + "event: ping\r\ndata: {\"interval\":300}\r\n\r\ndata: unfinished\n";

    private static final List<Event> EVENTS = List.of(
            new Event("state", "{\"a\":\n\"ü😀\"}"),
            new Event("message", "no blank"),
            new Event("message", ""),
            new Event("ping", "{\"interval\":300}"));

    @Test
    void events_end_at_empty_lines_of_any_kind() {
        assertThat(new EventStreamParser().feed(STREAM.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(EVENTS);
    }

    @Test
    void any_chunking_gives_the_same_events() {
        byte[] stream = STREAM.getBytes(StandardCharsets.UTF_8);
        for (int seed = 0; seed < 500; seed++) {
            var random = new Random(seed);
            var parser = new EventStreamParser();
            List<Event> events = new ArrayList<>();
            for (int from = 0; from < stream.length; ) {
                int to = Math.min(stream.length, from + random.nextInt(1 + random.nextInt(20)));
                events.addAll(parser.feed(Arrays.copyOfRange(stream, from, to)));
                from = to;
            }
            assertThat(events).as("seed %d", seed).isEqualTo(EVENTS);
        }
    }

    @Test
    void event_without_end_is_refused() {
        byte[] chunk = "x".repeat(64 * 1024).getBytes(StandardCharsets.UTF_8);
        var parser = new EventStreamParser();

        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        parser.feed(chunk);
                    }
                })
                .isInstanceOf(ServerException.class)
                .hasMessageContaining("exceeds");
    }

    @Test
    void data_lines_count_together() {
        byte[] line = ("data: " + "x".repeat(60_000) + "\n").getBytes(StandardCharsets.UTF_8);
        var parser = new EventStreamParser();

        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        parser.feed(line);
                    }
                })
                .isInstanceOf(ServerException.class);
    }
}
