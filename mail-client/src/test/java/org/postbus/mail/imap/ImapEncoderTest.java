package org.postbus.mail.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.event.UidRange;

class ImapEncoderTest {
    private static final Capabilities LITERAL_PLUS = Capabilities.of(List.of("IMAP4rev1", "LITERAL+"));

    @Test
    void commands_are_written_as_the_rfcs_say() {
        Map<ImapCommand, String> expected = new LinkedHashMap<>();
        List<UidRange> uids = List.of(new UidRange(1, 1), new UidRange(3, UidSets.UID_MAX));
        expected.put(new ImapCommand.Noop(), "NOOP");
        expected.put(new ImapCommand.Login("alice", new Secret("a b")), "LOGIN alice \"a b\"");
        expected.put(new ImapCommand.Login("", new Secret("nil")), "LOGIN \"\" \"nil\"");
        expected.put(new ImapCommand.Enable(Set.of("QRESYNC")), "ENABLE QRESYNC");
        expected.put(new ImapCommand.Select(new MailboxName("a\\b\"c"), true, false), "EXAMINE \"a\\\\b\\\"c\"");
        expected.put(
                new ImapCommand.Status(new MailboxName("*"), List.of("MESSAGES", "UNSEEN")),
                "STATUS \"*\" (MESSAGES UNSEEN)");
        expected.put(
                new ImapCommand.UidFetch(uids, FetchItems.of(FetchItems.FLAGS, FetchItems.bodyStart(65536))),
                "UID FETCH 1,3:* (UID FLAGS BODY.PEEK[]<0.65536>)");
        expected.put(
                new ImapCommand.UidFetch(uids, FetchItems.of(FetchItems.GMAIL).changedSince(0)),
                "UID FETCH 1,3:* (UID X-GM-MSGID X-GM-THRID X-GM-LABELS)");
        expected.put(
                new ImapCommand.UidStore(uids, StoreMode.REMOVE, Set.of(new ImapFlag("work")), OptionalLong.empty()),
                "UID STORE 1,3:4294967295 -FLAGS.SILENT (work)");
        expected.put(new ImapCommand.UidMove(uids, MailboxName.INBOX), "UID MOVE 1,3:4294967295 INBOX");
        expected.put(
                new ImapCommand.UidSearch(new ImapCommand.SearchKey.Positions(7, OptionalLong.empty()), true),
                "UID SEARCH RETURN (ALL) 7:*");

        expected.forEach((command, text) ->
                assertThat(sent("A1", command, LITERAL_PLUS)).as(text).isEqualTo("A1 " + text + "\r\n"));
    }

    @Test
    void octets_beyond_ascii_go_as_literals_that_wait_unless_the_server_offers_otherwise() {
        ImapCommand select = new ImapCommand.Select(new MailboxName("\u00c3\u00bc"), false, false);

        EncodedCommand waiting = ImapEncoder.encode("A1", select, Capabilities.NONE);
        EncodedCommand unasked = ImapEncoder.encode("A1", select, LITERAL_PLUS);

        assertThat(waiting.parts())
                .extracting(part -> new String(part, StandardCharsets.UTF_8))
                .containsExactly("A1 SELECT {2}\r\n", "ü\r\n");
        assertThat(unasked.parts())
                .extracting(part -> new String(part, StandardCharsets.UTF_8))
                .containsExactly("A1 SELECT {2+}\r\nü\r\n");
    }

    @Test
    void long_message_waits_even_where_the_server_would_take_it_at_once() {
        byte[] message = new byte[4097];
        ImapCommand append = new ImapCommand.Append(
                MailboxName.INBOX, Set.of(), Optional.of(Instant.parse("2024-12-09T01:02:03Z")), message);

        List<byte[]> parts = ImapEncoder.encode("A1", append, LITERAL_PLUS).parts();

        assertThat(parts).hasSize(2);
        assertThat(new String(parts.getFirst(), StandardCharsets.US_ASCII))
                .isEqualTo("A1 APPEND INBOX \"09-Dec-2024 01:02:03 +0000\" {4097}\r\n");
    }

    /** Whatever people and servers give us, one command stays one command: it is refused, or it is one line and its literals. */
    @Test
    void no_string_becomes_a_second_command() {
        int refused = 0;
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            List<ImapCommand> commands = new ArrayList<>();
            String text = randomText(random);
            commands.add(new ImapCommand.Login(text, new Secret(randomText(random))));
            tryTo(() -> commands.add(
                    new ImapCommand.Authenticate(new SaslConversation.Plain(text, new Secret(randomText(random))))));
            commands.add(new ImapCommand.UidSearch(new ImapCommand.SearchKey.MessageId(text), false));
            commands.add(new ImapCommand.Id(Map.of(text, randomText(random))));
            commands.add(new ImapCommand.Enable(Set.of(text)));
            tryTo(() -> commands.add(new ImapCommand.UidMove(List.of(new UidRange(1, 1)), new MailboxName(text))));
            tryTo(() -> commands.add(new ImapCommand.Append(
                    new MailboxName(text), Set.of(new ImapFlag(text)), Optional.empty(), new byte[] {'\r', '\n'})));
            tryTo(() -> commands.add(new ImapCommand.UidStore(
                    List.of(new UidRange(1, 1)), StoreMode.ADD, Set.of(new ImapFlag(text)), OptionalLong.empty())));

            for (ImapCommand command : commands) {
                Capabilities offered = random.nextBoolean() ? LITERAL_PLUS : Capabilities.NONE;
                try {
                    EncodedCommand encoded = ImapEncoder.encode("A1", command, offered);
                    assertOneCommand(encoded, command, "seed " + seed);
                } catch (IllegalArgumentException e) {
                    refused++;
                }
            }
        }
        assertThat(refused).as("strings that were refused").isPositive();
    }

    private static void tryTo(Runnable build) {
        try {
            build.run();
        } catch (IllegalArgumentException e) {
            assertThat(e).as("refused by the type already").isNotNull();
        }
    }

    /** Reads it as a server does: CRLF ends the command unless a literal is announced before it, whose octets are skipped. */
    private static void assertOneCommand(EncodedCommand encoded, ImapCommand command, String seed) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        encoded.parts().forEach(all::writeBytes);
        String stream = all.toString(StandardCharsets.ISO_8859_1);
        assertThat(stream).as(seed).startsWith("A1 ");
        int at = 0;
        while (at < stream.length()) {
            int end = stream.indexOf("\r\n", at);
            assertThat(end).as(seed).isNotNegative();
            String line = stream.substring(at, end);
            assertThat(line).as(seed).doesNotContain("\r", "\n", "\0");
            at = end + 2;
            var announced =
                    java.util.regex.Pattern.compile("(?:^|[ (])\\{(\\d+)\\+?}$").matcher(line);
            if (announced.find()) {
                at += Integer.parseInt(announced.group(1));
            } else {
                assertThat(at).as(seed + ": " + stream).isEqualTo(stream.length());
            }
        }
    }

    private static String randomText(Random random) {
        String spice = "\r\n\0\"\\{}()%*]~ \t5+éü\u2028\uD83D\uDE00";
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            switch (random.nextInt(4)) {
                case 0 -> text.append(spice.charAt(random.nextInt(spice.length())));
                case 1 -> text.append((char) random.nextInt(0x10000));
                case 2 -> text.append("\r\nA2 NOOP");
                default -> text.append((char) ('a' + random.nextInt(26)));
            }
        }
        return text.toString();
    }

    @Test
    void control_characters_are_refused_everywhere() {
        for (String bad : List.of("a\r\nb", "a\nb", "a\0b")) {
            assertThatThrownBy(() -> sent("A1", new ImapCommand.Login(bad, new Secret("x")), LITERAL_PLUS))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new SaslConversation.Plain("x", new Secret(bad)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .message()
                    .doesNotContain(bad);
            assertThatThrownBy(() -> new MailboxName(bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static String sent(String tag, ImapCommand command, Capabilities offered) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ImapEncoder.encode(tag, command, offered).parts().forEach(all::writeBytes);
        return all.toString(StandardCharsets.ISO_8859_1);
    }
}
