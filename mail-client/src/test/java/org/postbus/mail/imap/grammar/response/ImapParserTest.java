package org.postbus.mail.imap.grammar.response;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.LiteralRules;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;
import org.postbus.observation.UidRange;

class ImapParserTest {
    private final ImapParser parser = new ImapParser(64);

    private ImapResponse parse(String line) {
        byte[] octets = (line + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        ImapFramer framer = new ImapFramer(1 << 20, LiteralRules.keepingAtMost(1 << 20));
        framer.feed(octets, 0, octets.length);
        return parser.parse((ImapFrame) framer.next());
    }

    private FetchedMessage message(String items) {
        return ((ImapResponse.Fetch) parse("* 1 FETCH (UID 1 " + items + ")")).message();
    }

    private static ResponseCode other(String name, String arguments) {
        return new ResponseCode.Other(name, arguments);
    }

    @Test
    void status_responses_with_and_without_code_and_text() {
        assertThat(parse("* OK [HIGHESTMODSEQ 123]"))
                .isEqualTo(new ImapResponse.Status(Condition.OK, Optional.of(new ResponseCode.HighestModSeq(123)), ""));
        assertThat(parse("* NO")).isEqualTo(new ImapResponse.Status(Condition.NO, Optional.empty(), ""));
        assertThat(parse("* [COPYUID 0 1 2] Done"))
                .isEqualTo(new ImapResponse.Status(Condition.OK, Optional.of(other("COPYUID", "0 1 2")), "Done"));
        assertThat(parse("a7 ok [TRYCREATE] Größe"))
                .isEqualTo(new ImapResponse.Tagged(
                        "A7", Condition.OK, Optional.of(other("TRYCREATE", "")), "Gr\ufffd\ufffde"));
        assertThat(parse("A1 NO [oops no end"))
                .isEqualTo(new ImapResponse.Tagged("A1", Condition.NO, Optional.empty(), "[oops no end"));
        assertThat(parse("* OK [UIDNEXT x] hm"))
                .isEqualTo(new ImapResponse.Status(Condition.OK, Optional.of(other("UIDNEXT", "x")), "hm"));
        assertThat(parse("* OK [PERMANENTFLAGS (a]b \\*)] hm"))
                .isEqualTo(new ImapResponse.Status(
                        Condition.OK,
                        Optional.of(new ResponseCode.PermanentFlags(Set.of(new ImapFlag("a]b"), ImapFlag.ANY_KEYWORD))),
                        "hm"));
        assertThat(parse("+")).isEqualTo(new ImapResponse.Continuation(""));
        assertThat(parse("+ idling")).isEqualTo(new ImapResponse.Continuation("idling"));
    }

    @Test
    void copyuid_whose_sides_differ_is_no_copyuid() {
        assertThat(parse("A1 OK [COPYUID 5 1:3 7:8] Done"))
                .isEqualTo(new ImapResponse.Tagged(
                        "A1", Condition.OK, Optional.of(other("COPYUID", "5 1:3 7:8")), "Done"));
    }

    @Test
    void capabilities_in_any_case_and_split() {
        assertThat(parse("* capability imap4rev1 LITERAL + AUTH=plain"))
                .isEqualTo(
                        new ImapResponse.Capability(new Capabilities(Set.of("IMAP4REV1", "LITERAL+", "AUTH=PLAIN"))));
    }

    @Test
    void mailbox_names_of_every_kind() {
        assertThat(listed("* LIST () \"/\" foo]bar")).isEqualTo("foo]bar");
        assertThat(listed("* LIST () \"/\" two words")).isEqualTo("two words");
        assertThat(listed("* LIST () \"/\" \"a\\\\b\\\"c\"")).isEqualTo("a\\b\"c");
        assertThat(listed("* list (\\HasChildren) NIL iNbOx (\"CHILDINFO\" (\"SUBSCRIBED\"))"))
                .isEqualTo("INBOX");
        assertThat(listed("* LIST () \"\\\\\" {3}\r\na\\b")).isEqualTo("a\\b");
        assertThat(parse("* LIST () \"/\" \"\"")).isInstanceOf(ImapResponse.Unknown.class);
    }

    private String listed(String line) {
        return ((ImapResponse.Listed) parse(line)).name().raw();
    }

    @Test
    void status_items_in_any_order_with_unknown_and_senseless_ones() {
        ImapResponse.MailboxStatusReported status = (ImapResponse.MailboxStatusReported)
                parse("* STATUS a b (UIDNEXT 5 MAILBOXID (x) NEW (1 2) HIGHESTMODSEQ 0 MESSAGES -1 UIDVALIDITY 0)");

        assertThat(status.name().raw()).isEqualTo("a b");
        assertThat(status.status())
                .isEqualTo(new MailboxStatus(
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.of(5),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        Optional.of("x")));
    }

    @Test
    void search_results() {
        UidSet expected = UidSet.of(List.of(new UidRange(1, 3), new UidRange(7, 7)));
        assertThat(parse("* SEARCH 7 3 1 2")).isEqualTo(new ImapResponse.Found(expected));
        assertThat(parse("* SEARCH 7 3 1 2 (MODSEQ 5)")).isEqualTo(new ImapResponse.Found(expected));
        assertThat(parse("* ESEARCH (TAG \"A1\") UID COUNT 4 ALL 7,1:3 MODSEQ 5"))
                .isEqualTo(new ImapResponse.Found(expected));
        assertThat(parse("* ESEARCH (TAG \"A1\") UID")).isEqualTo(new ImapResponse.Found(UidSet.EMPTY));
        assertThat(parse("* SEARCH")).isEqualTo(new ImapResponse.Found(UidSet.EMPTY));
        assertThat(parse("* SEARCH broken")).isInstanceOf(ImapResponse.Unknown.class);
    }

    @Test
    void vanished_is_a_predicate_of_any_size() {
        assertThat(parse("* VANISHED (EARLIER) 300:310,405,9:1,12:*"))
                .isEqualTo(new ImapResponse.Vanished(
                        UidSet.of(List.of(new UidRange(1, 9), new UidRange(12, 4294967295L))), true));
    }

    @Test
    void items_that_servers_write_in_their_own_way() {
        assertThat(message("FLAGS (\\seen \"\\\\Flagged\" $junk)").flags())
                .contains(Set.of(ImapFlag.SEEN, ImapFlag.FLAGGED, new ImapFlag("$Junk")));
        assertThat(message("FLAGS nil").flags()).contains(Set.of());
        assertThat(message("MODSEQ 9223372036854775807").modSeq()).hasValue(Long.MAX_VALUE);
        assertThat(message("MODSEQ (9223372036854775808)").unparsed()).containsOnlyKeys("MODSEQ");
        assertThat(message("EMAILID (M6d99ac3275bb4e) THREADID NIL").emailId()).contains("M6d99ac3275bb4e");
        assertThat(message("EMAILID () THREADID (T1)").threadId()).contains("T1");
        assertThat(message("BODY[]<0> ~{3}\r\na\0b").body().orElseThrow()).containsExactly('a', 0, 'b');
        assertThat(message("BODY[]<0.5> \"abc\"").body().orElseThrow()).containsExactly('a', 'b', 'c');
        assertThat(message("BODY[] NIL").body()).isEmpty();
        assertThat(message("BODY[HEADER]{4}\r\nA: b").header().orElseThrow()).hasSize(4);
        assertThat(message("BODY[HEADER.FIELDS (\"SUBJECT\")] \"x\"").unparsed())
                .containsOnlyKeys("BODY[HEADER.FIELDS (\"SUBJECT\")]");
        assertThat(message("INTERNALDATE \"1-feb-2024 10:00:00 CET\"")
                        .internalDate()
                        .orElseThrow())
                .isEqualTo("2024-02-01T10:00:00Z");
    }

    @Test
    void invalid_uid_gives_a_message_without_uid() {
        for (String uid : List.of("0", "4294967296", "5x", "-1", "NIL")) {
            assertThat(parse("* 3 FETCH (UID " + uid + " FLAGS (\\Seen))"))
                    .as(uid)
                    .isEqualTo(new ImapResponse.FetchWithoutUid(
                            3, Optional.of(Set.of(ImapFlag.SEEN)), OptionalLong.empty()));
        }
    }

    @Test
    void id_and_namespace() {
        assertThat(parse("* ID (\"Name\" \"x\" \"os\" NIL)")).isEqualTo(new ImapResponse.Id(Map.of("name", "x")));
        assertThat(parse("* ID NIL")).isEqualTo(new ImapResponse.Id(Map.of()));
        assertThat(((ImapResponse.Namespace) parse("* NAMESPACE NIL NIL NIL")).namespaces())
                .isEqualTo(new Namespaces(List.of(), List.of(), List.of()));
    }

    @Test
    void nesting_beyond_the_limit_is_kept_unparsed_and_is_not_a_stack_overflow() {
        String deep = "(".repeat(20_000) + ")".repeat(20_000);

        FetchedMessage message = message("BODYSTRUCTURE " + deep + " X-NEW " + deep + " RFC822.SIZE 5");

        assertThat(message.unparsed()).containsOnlyKeys("BODYSTRUCTURE", "X-NEW");
        assertThat(message.unparsed().get("X-NEW")).hasSize(40_000);
        assertThat(message.size()).hasValue(5);
    }

    /** Any input is parsed as a response, or as unknown; it never causes an exception. */
    @Test
    void garbage_causes_no_failure() {
        List<String> seeds = List.of(
                "* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \" 1-Jan-2024 10:00:00 +0000\" MODSEQ (5) BODY[] \"x\")",
                "* LIST (\\Sent) \"/\" \"Sent\" (\"CHILDINFO\" (\"SUBSCRIBED\"))",
                "* STATUS \"a\" (MESSAGES 1 MAILBOXID (x))",
                "* ESEARCH (TAG \"A1\") UID ALL 1:3,5",
                "* OK [COPYUID 5 1:3 4:6] done",
                "* NAMESPACE ((\"\" \"/\")) NIL ((\"a\" NIL))",
                "* VANISHED (EARLIER) 1:3",
                "* 1 FETCH (UID 1 BODYSTRUCTURE ((\"text\" \"plain\" (\"a\" \"b\") NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL)"
                        + "(\"message\" \"rfc822\" NIL NIL NIL NIL 9 (NIL) (\"text\" \"x\" NIL NIL NIL NIL 1) 1) \"mixed\"))",
                "* ID (\"name\" \"x\")",
                "A1 NO [MODIFIED 2,5] x");
        for (long seed = 1; seed <= 20_000; seed++) {
            Random random = new Random(seed);
            StringBuilder line = new StringBuilder(seeds.get(random.nextInt(seeds.size())));
            for (int i = random.nextInt(4); i >= 0 && !line.isEmpty(); i--) {
                int at = random.nextInt(line.length());
                switch (random.nextInt(3)) {
                    case 0 -> line.deleteCharAt(at);
                    case 1 -> line.setLength(at);
                    default -> line.insert(at, "()[]\"\\ 9{}*:,~\t\u00ffN".charAt(random.nextInt(17)));
                }
            }
            ImapFrame frame = ImapFrame.ofText(line.toString());
            try {
                assertThat(parser.parse(frame)).isNotNull();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + line, e);
            }
        }
    }
}
