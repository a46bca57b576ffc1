package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.ServerFailure.Rejected;
import org.postbus.mail.ServerFailure.Throttled;
import org.postbus.mail.ServerFailure.Unreachable;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.observation.UidRange;

/** Behaviour of particular servers; the first line of each transcript says what it contains. */
class ServerQuirksTest extends TranscriptPlayer {
    private static final FetchItems FLAGS = FetchItems.of(FetchItems.FLAGS);
    private static final MailboxName TRASH = new MailboxName("Trash");

    private static SelectedMailbox inbox(ImapConnection connection) {
        return await(connection.select(MailboxName.INBOX, false));
    }

    private static List<UidRange> range(long first, long last) {
        return List.of(new UidRange(first, last));
    }

    private static ServerFailure refusedLogin(String transcript) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.read(transcript))) {
            ServerFailure failure = failureOf(() -> await(client.open(server.address(), "alice", SECRET)));
            server.assertPlayed();
            return failure;
        }
    }

    @Test
    void every_transcript_names_its_quirk_and_there_are_enough() throws IOException, URISyntaxException {
        Path root = Path.of(getClass().getResource("/transcripts").toURI());
        try (Stream<Path> files = Files.walk(root)) {
            List<Path> transcripts =
                    files.filter(file -> file.toString().endsWith(".txt")).toList();
            assertThat(transcripts).hasSizeGreaterThanOrEqualTo(60);
            for (Path transcript : transcripts) {
                assertThat(Files.readAllLines(transcript).getFirst())
                        .as(transcript.toString())
                        .startsWith("# ");
            }
        }
        try (Stream<Path> folders = Files.list(root)) {
            assertThat(folders.map(folder -> folder.getFileName().toString()))
                    .contains(
                            "rfc",
                            "dovecot",
                            "gmail",
                            "exchange",
                            "icloud",
                            "yahoo",
                            "cyrus",
                            "courier",
                            "zoho",
                            "yandex",
                            "proton",
                            "domino",
                            "james");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "gmail/bandwidth.txt, Throttled",
        "gmail/web-login.txt, AuthRejected",
        "yandex/too-many-logins.txt, Throttled",
        "dovecot/too-many-connections.txt, Throttled"
    })
    void refused_login_means(String transcript, String failure) {
        assertThat(refusedLogin(transcript).getClass().getSimpleName()).isEqualTo(failure);
    }

    @Test
    void yahoo_is_asked_again_for_what_its_message_limit_left_out() {
        play("yahoo/message-limit.txt", connection -> {
            inbox(connection);
            assertThat(fetch(connection, ALL, FLAGS))
                    .extracting(FetchedMessage::uid)
                    .containsExactly(50L, 40L, 30L, 20L, 10L);
            assertThat(UidSet.count(await(connection.uidSearchAll()))).isEqualTo(5);
            await(connection.uidExpunge(List.of(new UidRange(10, 12), new UidRange(20, 20))));
        });
    }

    @Test
    void yahoo_message_that_cannot_be_read_is_no_outage() {
        play("yahoo/unavailable-is-one-message.txt", connection -> {
            inbox(connection);
            FetchItems body = FetchItems.of(FetchItems.body(32 << 20));
            assertThat(failureOf(() -> fetch(connection, range(1, 3), body))).isInstanceOf(Throttled.class);
            assertThat(failureOf(() -> fetch(connection, uid(3), body)))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            rejected -> assertThat(rejected.code()).isEqualTo("UNAVAILABLE"));
            assertThat(failureOf(() -> fetch(connection, uid(3), FLAGS))).isInstanceOf(Throttled.class);
        });
    }

    @Test
    void yahoo_has_no_mod_sequences() {
        play("yahoo/xymhighestmodseq.txt", connection -> {
            SelectedMailbox inbox = inbox(connection);
            assertThat(inbox.highestModSeq()).isEmpty();
            assertThat(inbox.uidNext()).isEmpty();
            assertThat(inbox.canStore(new ImapFlag("$Forwarded"))).isTrue();
            assertThat(inbox.canStore(new ImapFlag("work"))).isFalse();
        });
    }

    @Test
    void malformed_copyuid_is_ignored() {
        play("yahoo/copyuid-does-not-match.txt", connection -> {
            inbox(connection);
            assertThat(await(connection.uidCopy(range(1, 3), TRASH))).isEmpty();
            assertThat(await(connection.uidCopy(range(1, 3), TRASH))).isEmpty();
        });
    }

    @Test
    void gmail_code_needs_no_text_and_copyuid_no_order() {
        play("gmail/highestmodseq-without-text.txt", connection -> {
            assertThat(inbox(connection).highestModSeq()).hasValue(123);
            assertThat(await(connection.uidMove(range(5, 8), new MailboxName("Archive"))))
                    .containsExactly(new CopiedUids(9, range(5, 8), uid(2273, 2275, 2274, 2272)));
        });
    }

    @Test
    void gmail_structures_are_read_without_parts_and_envelopes() {
        play("gmail/structure-without-parts.txt", connection -> {
            inbox(connection);
            List<FetchedMessage> messages = fetch(connection, range(1, 2), FetchItems.of(FetchItems.BODY_STRUCTURE));
            assertThat(messages.get(0).bodyStructure().orElseThrow().leaves()).isEmpty();
            List<BodyStructure.Part> leaves =
                    messages.get(1).bodyStructure().orElseThrow().leaves();
            assertThat(leaves).extracting(BodyStructure.Part::type).containsExactly("text/plain", "message/rfc822");
            assertThat(leaves.get(1).dispositionParameters()).containsEntry("filename", "m.eml");
        });
    }

    @Test
    void gmail_labels_come_in_every_form() {
        play("gmail/labels.txt", connection -> {
            inbox(connection);
            List<FetchedMessage> messages = fetch(connection, range(1, 3), FetchItems.of(FetchItems.GMAIL));
            assertThat(messages.get(0).gmail().orElseThrow().labels().orElseThrow())
                    .containsExactly("\\Important", "\\Starred", "a (b)", "B&APw-cher", "a]b");
            assertThat(messages.get(1).gmail().orElseThrow().labels()).contains(Set.of());
            assertThat(messages.get(2).gmail().orElseThrow().labels()).contains(Set.of());
        });
    }

    @Test
    void exchange_disposition_may_be_a_string_and_a_structure_nothing() {
        play("exchange/quoted-disposition.txt", connection -> {
            inbox(connection);
            List<FetchedMessage> messages =
                    fetch(connection, range(1, 2), FetchItems.of(FetchItems.SIZE, FetchItems.BODY_STRUCTURE));
            BodyStructure.Part pdf =
                    messages.get(0).bodyStructure().orElseThrow().leaves().get(1);
            assertThat(pdf.disposition()).contains("attachment");
            assertThat(pdf.parameters()).containsEntry("name", "a\"b\"c.pdf");
            assertThat(messages.get(0).size()).hasValue(300);
            assertThat(messages.get(1).bodyStructure()).isEmpty();
            assertThat(messages.get(1).size()).hasValue(0);
        });
    }

    @Test
    void exchange_without_its_mailbox_server_is_throttled() {
        play(
                "exchange/authenticated-but-not-connected.txt",
                connection -> assertThat(failureOf(() -> inbox(connection))).isInstanceOf(Throttled.class));
    }

    @Test
    void exchange_copyuid_stands_alone() {
        play("exchange/copyuid-without-ok.txt", connection -> {
            inbox(connection);
            assertThat(await(connection.uidMove(uid(3), new MailboxName("Archive"))))
                    .containsExactly(new CopiedUids(14, uid(3), uid(9)));
            assertThat(connection.takeChanges()).containsExactly(new MailboxChange.Expunged(3));
        });
    }

    @Test
    void exchange_folder_deleted_since_list_is_the_only_one_without_status() {
        play("exchange/no-modseq-no-new-uidnext.txt", connection -> {
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes).hasSize(2);
            assertThat(mailboxes.get(0).status().orElseThrow().uidNext()).hasValue(2);
            assertThat(mailboxes.get(0).subscribed()).isTrue();
            assertThat(mailboxes.get(1).status()).isEmpty();
        });
    }

    @Test
    void case_does_not_matter() {
        play("icloud/no-move.txt", connection -> {
            SelectedMailbox inbox = inbox(connection);
            assertThat(inbox.uidValidity()).hasValue(8);
            assertThat(inbox.messages()).isEqualTo(1);
            assertThat(connection.capabilities().has("MOVE")).isFalse();
            assertThat(await(connection.uidCopy(uid(11), TRASH))).containsExactly(new CopiedUids(9, uid(11), uid(3)));
        });
    }

    @Test
    void malformed_vanished_deletes_nothing() {
        play("icloud/malformed-vanished.txt", connection -> {
            inbox(connection);
            await(connection.noop());
            assertThat(connection.takeChanges()).isEmpty();
        });
    }

    @Test
    void cyrus_mod_sequences_have_63_bits() {
        play("cyrus/qresync-condstore.txt", connection -> {
            SelectedMailbox inbox = inbox(connection);
            assertThat(inbox.highestModSeq()).hasValue(9007199254740993L);
            assertThat(inbox.mailboxId()).contains("2wkb2q4ch93bbtrqwkyqbqqc");
            FetchedMessage message = fetch(connection, ALL, FetchItems.of(FetchItems.MOD_SEQ, FetchItems.THREAD_ID))
                    .getFirst();
            assertThat(message.modSeq()).hasValue(Long.MAX_VALUE);
            assertThat(message.threadId()).isEmpty();
        });
    }

    @Test
    void cyrus_names_are_literals_and_some_mailboxes_do_not_exist() {
        play("cyrus/referral-and-list.txt", connection -> {
            assertThat(await(connection.namespace()).orElseThrow().personal())
                    .containsExactly(new Namespaces.Namespace("INBOX.", Optional.of('.')));
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes).extracting(ListedMailbox::selectable).containsExactly(true, false, true);
            assertThat(mailboxes.get(2).subscribed()).isTrue();
            assertThat(mailboxes.get(2).status().orElseThrow().messages()).hasValue(7);
        });
    }

    @Test
    void cyrus_is_not_asked_for_a_mailbox_id() {
        play(
                "cyrus/mailboxid-is-garbage.txt",
                connection -> assertThat(await(connection.list()))
                        .extracting(mailbox -> mailbox.status().orElseThrow().mailboxId())
                        .containsExactly(Optional.empty(), Optional.empty()));
    }

    @Test
    void a_mailbox_id_that_cannot_be_one_is_none() {
        play(
                "rfc/mailboxid.txt",
                connection -> assertThat(await(connection.list()))
                        .extracting(mailbox -> mailbox.status().orElseThrow().mailboxId())
                        .containsExactly(
                                Optional.of("F2212ea87-6097-4256-9d51-71338625"), Optional.empty(), Optional.empty()));
    }

    @Test
    void courier_message_zero_is_ignored() {
        play("courier/fetch-zero.txt", connection -> {
            inbox(connection);
            assertThat(fetch(connection, ALL, FLAGS))
                    .extracting(FetchedMessage::uid)
                    .containsExactly(7L);
        });
    }

    @Test
    void courier_exists_falls_items_are_missing_and_names_have_8_bits() {
        play("courier/exists-falls.txt", connection -> {
            inbox(connection);
            await(connection.noop());
            assertThat(connection.takeChanges()).containsExactly(new MailboxChange.Exists(3));
            List<FetchedMessage> messages =
                    fetch(connection, ALL, FetchItems.of(FetchItems.FLAGS, FetchItems.SIZE, FetchItems.HEADER));
            assertThat(messages.get(1).flags()).isEmpty();
            assertThat(messages.get(1).header()).isEmpty();
            assertThat(messages.get(0).header().orElseThrow())
                    .isEqualTo("Subject: gr\u00fc\u00dfe".getBytes(StandardCharsets.ISO_8859_1));
            assertThat(await(connection.list()))
                    .extracting(one -> one.name().displayName())
                    .containsExactly("Entwürfe", "+");
        });
    }

    @Test
    void status_that_does_not_come_with_list_is_asked_for() {
        play(
                "rfc/list-status-without-status.txt",
                connection -> assertThat(await(connection.list())
                                .getFirst()
                                .status()
                                .orElseThrow()
                                .messages())
                        .hasValue(4));
    }

    @Test
    void zoho_literal_plus_is_one_word_and_zero_no_baseline() {
        play("zoho/literal-plus-split.txt", connection -> {
            assertThat(connection.capabilities().has("LITERAL+")).isTrue();
            assertThat(connection.condstoreEnabled()).isTrue();
            assertThat(await(connection.select(new MailboxName("a&b"), false)).highestModSeq())
                    .isEmpty();
        });
    }

    @Test
    void yandex_bye_ends_the_connection_however_often() {
        play("yandex/bye-twice.txt", connection -> {
            inbox(connection);
            assertThat(failureOf(() -> await(connection.watch(Duration.ofSeconds(5)))))
                    .isEqualTo(new Unreachable("BYE Autologout"));
        });
    }

    @Test
    void sizes_may_be_floats_and_flags_strings() {
        play("yandex/size-as-float.txt", connection -> {
            inbox(connection);
            List<FetchedMessage> messages =
                    fetch(connection, range(1, 2), FetchItems.of(FetchItems.FLAGS, FetchItems.SIZE));
            assertThat(messages)
                    .extracting(FetchedMessage::size)
                    .containsExactly(OptionalLong.of(4711), OptionalLong.of(4294967296L));
            assertThat(messages.get(0).flags()).contains(Set.of());
            assertThat(messages.get(1).flags()).contains(Set.of(ImapFlag.SEEN, new ImapFlag("$Work")));
        });
    }

    @Test
    void proton_changes_uidvalidity_and_lists_mailboxes_that_cannot_be_selected() {
        play("proton/bridge.txt", connection -> {
            MailboxName folder = new MailboxName("Folders/a b");
            assertThat(await(connection.select(folder, false)).uidValidity()).hasValue(1);
            assertThat(await(connection.select(folder, false)).uidValidity()).hasValue(2);
            assertThat(failureOf(() -> await(connection.select(new MailboxName("Folders/ghost"), true))))
                    .isInstanceOfSatisfying(
                            Rejected.class,
                            rejected -> assertThat(rejected.code()).isEqualTo("NONEXISTENT"));
        });
        play(
                "proton/limited.txt",
                connection -> assertThat(failureOf(() -> inbox(connection))).isInstanceOf(Throttled.class));
    }

    @Test
    void domino_names_have_spaces_tabs_brackets_and_no_delimiter() {
        play("domino/nil-delimiter.txt", connection -> {
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes)
                    .extracting(one -> one.name().raw())
                    .containsExactly("INBOX", "two\twords and more", "a]b[c", "NIL");
            assertThat(mailboxes).allMatch(one -> one.delimiter().isEmpty());
            assertThat(mailboxes.get(0).status().orElseThrow().messages()).hasValue(3);
        });
    }

    @Test
    void text_that_ends_like_a_literal_is_text() {
        play("domino/nul-padding.txt", connection -> {
            assertThat(inbox(connection).messages()).isEqualTo(1);
            await(connection.noop());
        });
    }

    @Test
    void james_refuses_to_fetch_from_nothing() {
        play("james/empty-mailbox.txt", connection -> {
            assertThat(inbox(connection).messages()).isZero();
            assertThat(failureOf(() -> fetch(connection, ALL, FLAGS))).isInstanceOf(Rejected.class);
        });
    }

    @Test
    void dovecot_store_is_done_for_those_that_are_left() {
        play("dovecot/expungeissued.txt", connection -> {
            inbox(connection);
            StoreResult stored = await(
                    connection.uidStore(range(1, 3), StoreMode.ADD, Set.of(new ImapFlag("$x")), OptionalLong.of(10)));
            assertThat(stored.modSeqs()).containsOnlyKeys(1L);
            assertThat(fetch(connection, uid(2), FLAGS)).isEmpty();
        });
    }

    @Test
    void utf_8_is_asked_for_only_where_there_is_nothing_else() {
        play("rfc/utf8-only.txt", connection -> {
            MailboxName drafts = connection.nameOf("Entwürfe");
            assertThat(drafts.displayName()).isEqualTo("Entwürfe");
            await(connection.select(drafts, false));
        });
        play("rfc/modified-utf7.txt", connection -> {
            assertThat(connection.nameOf("Entwürfe").raw()).isEqualTo("Entw&APw-rfe");
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes)
                    .extracting(one -> one.name().displayName())
                    .containsExactly("Entwürfe", "日本語/台北", "Tom & Jerry &");
            await(connection.select(mailboxes.get(2).name(), false));
        });
    }

    @Test
    void capabilities_are_read_again_after_the_login() {
        play("rfc/capabilities-after-login.txt", connection -> {
            assertThat(connection.capabilities().names()).containsExactly("IMAP4REV1", "MOVE");
            assertThat(connection.qresyncEnabled()).isFalse();
        });
    }

    @Test
    void a_literal_may_replace_any_string() {
        play("rfc/literals-everywhere.txt", connection -> {
            inbox(connection);
            FetchedMessage message = fetch(
                            connection,
                            uid(1),
                            FetchItems.of(FetchItems.INTERNAL_DATE, FetchItems.EMAIL_ID, FetchItems.FLAGS))
                    .getFirst();
            assertThat(message.internalDate()).contains(Instant.parse("2024-02-01T09:00:00Z"));
            assertThat(message.emailId()).contains("M1");
            assertThat(message.flags()).contains(Set.of(ImapFlag.SEEN));
        });
    }

    @Test
    void esearch_that_found_nothing_says_so() {
        play("rfc/esearch.txt", connection -> {
            inbox(connection);
            assertThat(await(connection.uidSearchAll())).containsExactly(new UidRange(1, 4), new UidRange(9, 9));
            assertThat(await(connection.uidSearchAll())).containsExactly(new UidRange(1, 3));
            assertThat(await(connection.uidSearchMessageId("<a@example.com>"))).isEmpty();
        });
    }
}
