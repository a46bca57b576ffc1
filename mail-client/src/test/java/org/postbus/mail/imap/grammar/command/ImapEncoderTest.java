package org.postbus.mail.imap.grammar.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.sasl.SaslConversation;
import org.postbus.model.MailboxRole;
import org.postbus.observation.UidRange;

class ImapEncoderTest {
    private static final Capabilities LITERAL_PLUS = Capabilities.of(List.of("IMAP4rev1", "LITERAL+"));

    @Test
    void commands_are_written_as_the_rfcs_say() {
        Map<ImapCommand, String> expected = new LinkedHashMap<>();
        UidSet uids = UidSet.of(List.of(new UidRange(1, 1), new UidRange(3, UidSet.UID_MAX)));
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
        expected.put(
                new ImapCommand.UidStoreLabels(
                        uids,
                        StoreMode.ADD,
                        Set.of(
                                GmailLabel.of(MailboxRole.INBOX).orElseThrow(),
                                GmailLabel.of(new MailboxName("B&APw-cher")),
                                GmailLabel.of(new MailboxName("Work/a \"b\" (c)")))),
                "UID STORE 1,3:4294967295 +X-GM-LABELS (\"B&APw-cher\" \"Work/a \\\"b\\\" (c)\" \\Inbox)");
        expected.put(new ImapCommand.UidMove(uids, MailboxName.INBOX), "UID MOVE 1,3:4294967295 INBOX");
        expected.put(
                new ImapCommand.UidSearch(new ImapCommand.SearchKey.Positions(7, OptionalLong.empty()), true),
                "UID SEARCH RETURN (ALL) 7:*");
        expected.put(
                new ImapCommand.UidSearch(new ImapCommand.SearchKey.Size(54), false),
                "UID SEARCH LARGER 53 SMALLER 55");
        expected.put(new ImapCommand.UidSearch(new ImapCommand.SearchKey.Size(0), false), "UID SEARCH SMALLER 1");

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

    /**
     * Whatever strings users and servers provide, one command stays one command: it is refused, or it is one line and
     * its literals.
     */
    /** Any Unicode string in any argument arrives unchanged, in one command, or is not sent at all. */
    @Test
    void no_string_becomes_a_second_command() {
        int refused = 0;
        int sent = 0;
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            String text = randomText(random);
            String other = randomText(random);
            Capabilities offered =
                    Capabilities.of(random.nextBoolean() ? List.of("SASL-IR", "LITERAL+") : List.of("SASL-IR"));
            List<Attempt> attempts = List.of(
                    new Attempt(() -> new ImapCommand.Login(text, new Secret(other)), List.of("LOGIN", text, other)),
                    new Attempt(
                            () -> new ImapCommand.Authenticate(new SaslConversation.Plain(text, new Secret(other))),
                            List.of("AUTHENTICATE", "PLAIN", base64("\0" + text + "\0" + other))),
                    new Attempt(
                            () -> new ImapCommand.UidSearch(new ImapCommand.SearchKey.MessageId(text), false),
                            List.of("UID", "SEARCH", "HEADER", "Message-ID", text)),
                    new Attempt(() -> new ImapCommand.Id(Map.of(text, other)), List.of("ID", List.of(text, other))),
                    new Attempt(() -> new ImapCommand.Enable(Set.of(text)), List.of("ENABLE", text)),
                    new Attempt(
                            () -> new ImapCommand.Select(MailboxName.ofDisplayName(text), false, false),
                            List.of("SELECT", named(text))),
                    new Attempt(
                            () -> new ImapCommand.Resync(
                                    utf8Name(text), true, new Resync(1, 2, List.of(new UidRange(3, 4)))),
                            List.of("EXAMINE", inboxFolded(text), List.of("QRESYNC", List.of("1", "2", "3:4")))),
                    new Attempt(
                            () -> new ImapCommand.Status(utf8Name(text), List.of("MESSAGES")),
                            List.of("STATUS", inboxFolded(text), List.of("MESSAGES"))),
                    new Attempt(
                            () -> new ImapCommand.UidMove(UidSet.ofUids(1), utf8Name(text)),
                            List.of("UID", "MOVE", "1", inboxFolded(text))),
                    new Attempt(
                            () -> new ImapCommand.Append(
                                    utf8Name(text), Set.of(new ImapFlag("x")), Optional.empty(), utf8(other)),
                            List.of("APPEND", inboxFolded(text), List.of("x"), other)),
                    new Attempt(
                            () -> new ImapCommand.UidStore(
                                    UidSet.ofUids(1), StoreMode.ADD, Set.of(new ImapFlag(text)), OptionalLong.empty()),
                            List.of("UID", "STORE", "1", "+FLAGS.SILENT", List.of(text))),
                    new Attempt(
                            () -> new ImapCommand.UidStoreLabels(
                                    UidSet.ofUids(1), StoreMode.REMOVE, Set.of(label(text))),
                            List.of("UID", "STORE", "1", "-X-GM-LABELS", List.of(inboxFolded(text)))));
            for (Attempt attempt : attempts) {
                byte[] octets;
                try {
                    octets = octets(attempt.command().get(), offered);
                } catch (IllegalArgumentException e) {
                    refused++;
                    continue;
                }
                List<Object> expected = new ArrayList<>(List.of("A1"));
                expected.addAll(attempt.words());
                assertThat(SentCommand.read(octets).words()).as("seed %d", seed).isEqualTo(expected);
                sent++;
            }
        }
        assertThat(refused).as("strings that were refused").isGreaterThan(1000);
        assertThat(sent).as("strings that were sent").isGreaterThan(5000);
    }

    private record Attempt(Supplier<ImapCommand> command, List<Object> words) {}

    private static byte[] octets(ImapCommand command, Capabilities offered) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ImapEncoder.encode("A1", command, offered).parts().forEach(all::writeBytes);
        return all.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(utf8(text));
    }

    private static MailboxName utf8Name(String text) {
        return new MailboxName(new String(utf8(text), StandardCharsets.ISO_8859_1));
    }

    private static GmailLabel label(String text) {
        return GmailLabel.of(utf8Name(text));
    }

    private static String inboxFolded(String text) {
        return text.equalsIgnoreCase("INBOX") ? "INBOX" : text;
    }

    /** The name on the connection; empty if it cannot be sent. */
    private static String named(String text) {
        try {
            return MailboxName.ofDisplayName(text).raw();
        } catch (IllegalArgumentException e) {
            return "";
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
        // Half a surrogate pair is no character: it is sent as a question mark.
        return new String(utf8(text.toString()), StandardCharsets.UTF_8);
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
