package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.smallrye.mutiny.Uni;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.TestCertificate;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.grammar.AppendedUid;
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
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.model.MailboxRole;
import org.postbus.observation.UidRange;

/** Whole conversations on a real socket, octet by octet. */
class ImapTranscriptTest extends TranscriptPlayer {
    @Test
    void password_that_cannot_be_quoted_goes_as_a_literal() {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.read("rfc/login-with-literals.txt"))) {
            ImapConnection connection =
                    await(client.open(server.address(), "al\"ice", new Credential.Password(new Secret("pässwö"))));
            assertThat(connection.capabilities().has("uidplus")).isTrue();
            connection.close();
            server.assertPlayed();
        }
    }

    @Test
    void login_uses_the_initial_response_and_enables_qresync() {
        play("rfc/authenticate-initial-response.txt", connection -> {
            assertThat(connection.serverId()).isEqualTo(Map.of("name", "Example"));
            assertThat(connection.condstoreEnabled()).isTrue();
        });
    }

    @Test
    void login_waits_for_the_continuation_without_sasl_ir() {
        play(
                "rfc/authenticate-with-continuation.txt",
                connection ->
                        assertThat(connection.capabilities().has("UIDPLUS")).isTrue());
    }

    @Test
    void refused_login_is_reported_as_such() {
        assertThat(refusedOpen("rfc/login-refused.txt", TlsMode.NONE)).isInstanceOf(ServerFailure.AuthRejected.class);
    }

    @Test
    void nothing_is_sent_where_the_login_is_disabled() {
        assertThat(refusedOpen("rfc/login-disabled.txt", TlsMode.NONE)).isInstanceOf(ServerFailure.AuthRejected.class);
    }

    @Test
    void starttls_fails_closed_where_it_is_not_offered() {
        assertThat(refusedOpen("rfc/starttls-not-offered.txt", TlsMode.STARTTLS))
                .isInstanceOf(ServerFailure.Unreachable.class)
                .extracting(ServerFailure::text)
                .asString()
                .contains("does not offer STARTTLS");
    }

    @Test
    void plain_text_after_the_ok_to_starttls_is_refused() {
        assertThat(refusedOpen("rfc/starttls-injection.txt", TlsMode.STARTTLS))
                .isInstanceOf(ServerFailure.Unreachable.class)
                .extracting(ServerFailure::text)
                .asString()
                .contains("plain text after STARTTLS");
    }

    private static ServerFailure refusedOpen(String transcript, TlsMode mode) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.read(transcript))) {
            ServerFailure failure = failureOf(() -> await(client.open(server.address(mode), "alice", SECRET)));
            server.assertPlayed();
            return failure;
        }
    }

    @Test
    void capabilities_from_before_starttls_are_forgotten() {
        ImapClient trusting = new ImapClient(
                TestEgress.toThisMachine(vertx),
                ImapOptions.DEFAULT.withTrustedCertificates(
                        TestCertificate.forLocalhost().pem()));
        try (ScriptedImapServer server = ScriptedImapServer.playingWithTls(
                TestCertificate.forLocalhost().server(), Transcript.read("rfc/starttls.txt"))) {
            ImapConnection connection = await(trusting.open(server.address(TlsMode.STARTTLS), "alice", SECRET));
            assertThat(connection.capabilities().has("UIDPLUS")).isTrue();
            assertThat(connection.capabilities().has("MOVE")).isFalse();
            connection.close();
            server.assertPlayed();
        }
        await(trusting.close());
    }

    @Test
    void certificate_for_another_host_is_refused_in_both_tls_modes() {
        ImapClient trusting = new ImapClient(
                TestEgress.toThisMachine(vertx),
                ImapOptions.DEFAULT.withTrustedCertificates(
                        TestCertificate.forLocalhost().pem()));
        Transcript implicit = Transcript.parse("tls", "X: tls\nS: * PREAUTH [CAPABILITY IMAP4rev1] ready\n");
        Transcript upgraded = Transcript.parse("starttls", """
                S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
                C: A1 STARTTLS
                S: A1 OK begin
                X: tls
                C: A2 CAPABILITY
                """);
        try (ScriptedImapServer server =
                ScriptedImapServer.playingWithTls(TestCertificate.forLocalhost().server(), implicit, upgraded)) {
            for (TlsMode mode : List.of(TlsMode.TLS, TlsMode.STARTTLS)) {
                ServerAddress otherName =
                        new ServerAddress("127.0.0.1", server.address().port(), mode);
                assertThat(failureOf(() -> await(trusting.open(otherName, "alice", SECRET))))
                        .as(mode.toString())
                        .isInstanceOf(ServerFailure.Unreachable.class);
            }
        }
        await(trusting.close());
    }

    @Test
    void every_mailbox_is_listed_with_its_status_if_it_has_one() {
        play("rfc/list-and-status.txt", connection -> {
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes)
                    .extracting(one -> one.name().displayName())
                    .containsExactly("INBOX", "Archive", "Gesendete {Mail}", "Entwürfe", "phantom");
            assertThat(mailboxes)
                    .extracting(one -> one.status()
                            .map(status -> status.uidValidity().getAsLong())
                            .orElse(0L))
                    .containsExactly(77L, 0L, 78L, 79L, 0L);
            assertThat(mailboxes)
                    .extracting(ListedMailbox::subscribed)
                    .containsExactly(true, false, false, false, false);
            assertThat(mailboxes.get(1).selectable()).isFalse();
            assertThat(mailboxes.get(2).role()).contains(MailboxRole.SENT);
            assertThat(mailboxes.get(4).delimiter()).isEmpty();
        });
    }

    @Test
    void a_mailbox_that_the_server_lists_and_denies_has_no_status() {
        play("dovecot/list-index-spoiled.txt", connection -> {
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes)
                    .extracting(
                            one -> one.name().raw(),
                            ListedMailbox::selectable,
                            one -> one.status().isPresent())
                    .containsExactly(tuple("X855", true, false), tuple("INBOX", true, true));
        });
    }

    @Test
    void list_asks_for_less_when_a_clause_is_refused() {
        play("rfc/list-degrades.txt", connection -> {
            List<ListedMailbox> mailboxes = await(connection.list());
            assertThat(mailboxes).singleElement().satisfies(inbox -> {
                assertThat(inbox.subscribed()).isTrue();
                assertThat(inbox.status().orElseThrow().messages()).hasValue(3);
            });
        });
    }

    @Test
    void octets_of_a_message_are_not_interpreted() {
        play("rfc/fetch-literals.txt", connection -> {
            SelectedMailbox inbox = await(connection.select(MailboxName.INBOX, false));
            assertThat(inbox.uidValidity()).hasValue(3857529045L);
            assertThat(inbox.uidNext()).hasValue(4294967295L);
            assertThat(inbox.highestModSeq()).hasValue(715194045007L);
            assertThat(inbox.canStore(new ImapFlag("any"))).isTrue();
            assertThat(inbox.canStore(ImapFlag.FLAGGED)).isFalse();

            List<FetchedMessage> messages = fetch(
                    connection,
                    ALL,
                    FetchItems.of(
                                    FetchItems.FLAGS,
                                    FetchItems.INTERNAL_DATE,
                                    FetchItems.SIZE,
                                    FetchItems.MOD_SEQ,
                                    FetchItems.body(32 << 20))
                            .changedSince(12));

            assertThat(messages).hasSize(2);
            FetchedMessage first = messages.get(0);
            assertThat(first.uid()).isEqualTo(4294967294L);
            assertThat(first.flags()).contains(Set.of(ImapFlag.SEEN, new ImapFlag("$forwarded")));
            assertThat(first.internalDate()).contains(Instant.parse("2024-02-01T08:30:00Z"));
            assertThat(first.modSeq()).hasValue(715194045007L);
            assertThat(ascii(first.body())).isEqualTo("A2 OK done\r\n* 9 FETCH {5}\r\n)");
            assertThat(messages.get(1).uid()).isEqualTo(7);
            assertThat(messages.get(1).body().orElseThrow()).isEmpty();
            assertThat(messages.get(1).flags()).contains(Set.of());
        });
    }

    @Test
    void pieces_are_joined_and_what_is_no_response_is_counted() {
        play("rfc/fetch-in-pieces.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));
            List<FetchedMessage> messages = fetch(
                    connection, List.of(new UidRange(1, 4)), FetchItems.of(FetchItems.FLAGS, FetchItems.body(1000)));
            assertThat(messages).extracting(FetchedMessage::uid).containsExactly(1L, 2L, 4L);
            assertThat(messages).extracting(message -> ascii(message.body())).containsExactly("one", "two", "four");
            assertThat(messages).allMatch(message -> message.flags().isPresent());
            assertThat(connection.strayLines()).isEqualTo(4);
            assertThat(connection.messages()).isEqualTo(8);
            assertThat(connection.takeChanges()).noneMatch(MailboxChange.Expunged.class::isInstance);
            assertThat(await(connection.uidSearch(List.of(new UidRange(1, 4), new UidRange(7, 7)))))
                    .containsExactly(new UidRange(1, 2), new UidRange(4, 4));
            await(connection.noop());
            assertThat(connection.messages()).isEqualTo(6);
        });
    }

    @Test
    void changes_during_a_fetch_are_kept_and_are_no_answer() {
        play("rfc/fetch-with-changes.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            List<FetchedMessage> messages =
                    fetch(connection, List.of(new UidRange(1, 5)), FetchItems.of(FetchItems.HEADER));

            assertThat(messages).extracting(FetchedMessage::uid).containsExactly(1L, 5L);
            assertThat(connection.takeChanges())
                    .containsExactly(
                            new MailboxChange.Vanished(
                                    List.of(new UidRange(2, 3), new UidRange(9, 4000000000L)), false),
                            new MailboxChange.Exists(4),
                            new MailboxChange.FlagsReported(
                                    1, OptionalLong.of(1), Set.of(ImapFlag.SEEN), OptionalLong.of(99)),
                            new MailboxChange.FlagsReported(
                                    3, OptionalLong.empty(), Set.of(ImapFlag.DELETED), OptionalLong.empty()),
                            new MailboxChange.Expunged(2));
            assertThat(connection.takeChanges()).isEmpty();
        });
    }

    @Test
    void store_reports_messages_that_had_been_changed_concurrently() {
        play("rfc/store-modified.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            StoreResult added = await(connection.uidStore(
                    uid(2, 1), StoreMode.ADD, Set.of(ImapFlag.SEEN, new ImapFlag("$Forwarded")), OptionalLong.of(12)));
            StoreResult removed =
                    await(connection.uidStore(uid(2, 3), StoreMode.REMOVE, Set.of(ImapFlag.SEEN), OptionalLong.of(12)));

            assertThat(added).isEqualTo(new StoreResult(uid(2), Map.of(1L, 13L)));
            assertThat(removed.modified()).isEqualTo(uid(3));
        });
    }

    @Test
    void moved_and_copied_messages_are_reported_with_their_new_uids() {
        play("rfc/move-and-copy.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            List<CopiedUids> moved =
                    await(connection.uidMove(uid(44, 43, 42), MailboxName.ofDisplayName("Archive & 2024")));
            List<CopiedUids> copied = await(connection.uidCopy(uid(1, 5), new MailboxName("Trash")));
            await(connection.uidStore(uid(1, 5), StoreMode.ADD, Set.of(ImapFlag.DELETED), OptionalLong.empty()));
            await(connection.uidExpunge(uid(1, 5)));
            ServerFailure nowhere = failureOf(() -> await(connection.uidCopy(uid(7), new MailboxName("Nowhere"))));

            assertThat(moved)
                    .containsExactly(new CopiedUids(432432, List.of(new UidRange(42, 44)), uid(1202, 1204, 1203)));
            assertThat(copied).containsExactly(new CopiedUids(38505, uid(1, 5), List.of(new UidRange(3956, 3957))));
            assertThat(nowhere).isEqualTo(new ServerFailure.Rejected("TRYCREATE", "NO [TRYCREATE] no such mailbox"));
            assertThat(connection.takeChanges()).hasSize(3);
        });
    }

    @Test
    void message_is_appended_octet_by_octet_after_the_continuation() {
        play("rfc/append.txt", connection -> {
            byte[] message = "From: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            MailboxName sent = new MailboxName("Sent");

            Optional<AppendedUid> appended = await(connection.append(
                    sent, Set.of(ImapFlag.SEEN), Optional.of(Instant.parse("2024-02-01T09:08:07Z")), message));
            ServerFailure full = failureOf(() -> await(connection.append(sent, Set.of(), Optional.empty(), message)));

            assertThat(appended).contains(new AppendedUid(38505, 3955));
            assertThat(full).isInstanceOf(ServerFailure.Rejected.class);
        });
    }

    @Test
    void idle_ends_at_the_first_change_and_only_after_it_has_begun() {
        play("rfc/idle.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            assertThat(await(connection.watch(Duration.ofSeconds(8)))).isEqualTo(WatchOutcome.CHANGED);
            assertThat(connection.takeChanges()).hasSize(2);
            assertThat(await(connection.watch(Duration.ofSeconds(8)))).isEqualTo(WatchOutcome.CHANGED);
            assertThat(await(connection.watch(Duration.ofSeconds(8))))
                    .as("not taken yet")
                    .isEqualTo(WatchOutcome.CHANGED);
            assertThat(connection.takeChanges()).containsExactly(new MailboxChange.Exists(5));
            assertThat(await(connection.watch(Duration.ofMillis(100)))).isEqualTo(WatchOutcome.TIME_UP);
        });
    }

    @Test
    void mailbox_is_left_without_expunging() {
        play("rfc/unselect.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            await(connection.unselect());

            assertThat(connection.selectedName()).isEmpty();
            assertThatThrownBy(() -> await(connection.uidSearchAll())).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void search_without_a_result_is_not_an_empty_mailbox() {
        play("rfc/search.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            assertThat(await(connection.uidSearchAll()))
                    .containsExactly(new UidRange(2, 5), new UidRange(4294967295L, 4294967295L));
            assertThat(failureOf(() -> await(connection.uidSearchAll()))).isInstanceOf(ServerFailure.Unreachable.class);
            assertThat(await(connection.uidSearchMessageId("<a\"b@example.com>")))
                    .isEmpty();
        });
    }

    @Test
    void lost_connection_leaves_a_move_in_doubt_and_waiting_commands_unsent() {
        play("rfc/connection-lost.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));
            var move = connection.uidMove(uid(1), new MailboxName("Trash")).subscribeAsCompletionStage();
            var next = connection.uidMove(uid(2), new MailboxName("Trash")).subscribeAsCompletionStage();

            assertThat(failureOf(() -> await(Uni.createFrom().completionStage(move))))
                    .isInstanceOf(ServerFailure.OutcomeUnknown.class);
            assertThat(failureOf(() -> await(Uni.createFrom().completionStage(next))))
                    .isInstanceOf(ServerFailure.Unreachable.class);
            assertThat(failureOf(() -> await(connection.noop()))).isInstanceOf(ServerFailure.Unreachable.class);
            await(connection.closed());
        });
    }

    @Test
    void nothing_after_bye_is_read() {
        play(
                "rfc/bye.txt",
                connection -> assertThat(failureOf(() -> await(connection.select(MailboxName.INBOX, false))))
                        .isEqualTo(new ServerFailure.Unreachable("BYE Autologout; idle for too long")));
    }

    @Test
    void dovecot_session_with_qresync() {
        play("dovecot/qresync-session.txt", connection -> {
            assertThat(connection.serverId()).containsEntry("name", "Dovecot");
            Namespaces namespaces = await(connection.namespace()).orElseThrow();
            assertThat(namespaces.shared()).containsExactly(new Namespaces.Namespace("Public/", Optional.of('/')));
            assertThat(await(connection.list()))
                    .extracting(
                            one -> one.status().orElseThrow().highestModSeq().getAsLong())
                    .containsExactly(1L, 7L);
            assertThat(await(connection.select(MailboxName.INBOX, false)).messages())
                    .isEqualTo(3);
            assertThat(await(connection.uidSearchAll())).containsExactly(new UidRange(1, 3));
            await(connection.uidMove(uid(3), new MailboxName("Trash")));
            assertThat(connection.takeChanges()).containsExactly(new MailboxChange.Vanished(uid(3), false));
        });
    }

    @Test
    void james_gives_object_ids() {
        play("james/objectid.txt", connection -> {
            assertThat(await(connection.list())
                            .getFirst()
                            .status()
                            .orElseThrow()
                            .mailboxId())
                    .contains("0f9c5c2a");
            assertThat(await(connection.select(MailboxName.INBOX, false)).mailboxId())
                    .contains("0f9c5c2a");
            FetchedMessage message = fetch(
                            connection, ALL, FetchItems.of(FetchItems.EMAIL_ID, FetchItems.THREAD_ID, FetchItems.SIZE))
                    .getFirst();
            assertThat(message.emailId()).contains("e-1");
            assertThat(message.threadId()).isEmpty();
        });
    }

    @Test
    void gmail_items_and_its_text_for_too_many_connections() {
        play("gmail/session.txt", connection -> {
            SelectedMailbox all = await(connection.select(new MailboxName("[Gmail]/Alle Nachrichten"), true));
            assertThat(all.highestModSeq()).hasValue(5198);
            assertThat(all.canStore(ImapFlag.SEEN)).isFalse();
            List<UidRange> uids = List.of(new UidRange(1, 29));

            FetchedMessage message = fetch(connection, uids, FetchItems.of(FetchItems.GMAIL, FetchItems.FLAGS))
                    .getFirst();
            ServerFailure failure = failureOf(() -> fetch(connection, uids, FetchItems.of(FetchItems.FLAGS)));

            FetchedMessage.Gmail gmail = message.gmail().orElseThrow();
            assertThat(gmail.messageId()).contains("18446744073709551615");
            assertThat(gmail.labels().orElseThrow()).containsExactly("\\Inbox", "\\Sent", "Work", "B&APw-cher", "a]b");
            assertThat(failure).isInstanceOf(ServerFailure.Throttled.class);
        });
    }

    @Test
    void icloud_gets_condstore_without_qresync_and_an_empty_mailbox_has_no_baseline() {
        play("icloud/enable-without-enabled.txt", connection -> {
            assertThat(connection.condstoreEnabled()).isTrue();
            assertThat(await(connection.select(MailboxName.INBOX, false)).highestModSeq())
                    .isEmpty();
            assertThat(await(connection.uidSearchAll())).isEmpty();
        });
    }

    @Test
    void exchange_throttling_is_understood() {
        play("exchange/throttled.txt", connection -> {
            assertThat(failureOf(() -> await(connection.select(MailboxName.INBOX, false))))
                    .isInstanceOf(ServerFailure.Throttled.class);
            await(connection.select(MailboxName.INBOX, false));
            assertThat(failureOf(() -> fetch(connection, ALL, FetchItems.of(FetchItems.FLAGS))))
                    .isInstanceOfSatisfying(
                            ServerFailure.Throttled.class,
                            throttled -> assertThat(throttled.retryAfter()).contains(Duration.ofMillis(299910)));
        });
    }

    @Test
    void malformed_item_does_not_affect_the_others() {
        play("zoho/modseq-minus-one.txt", connection -> {
            assertThat(await(connection.select(MailboxName.INBOX, false)).highestModSeq())
                    .isEmpty();

            List<FetchedMessage> messages = fetch(
                    connection,
                    List.of(new UidRange(1, 3)),
                    FetchItems.of(FetchItems.SIZE, FetchItems.MOD_SEQ, FetchItems.INTERNAL_DATE));

            assertThat(messages).extracting(FetchedMessage::uid).containsExactly(1L, 2L, 3L);
            assertThat(messages)
                    .extracting(FetchedMessage::size)
                    .containsExactly(OptionalLong.of(1234), OptionalLong.of(5_000_000_000L), OptionalLong.empty());
            assertThat(messages)
                    .extracting(FetchedMessage::modSeq)
                    .containsExactly(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.of(5));
            assertThat(messages.get(0).internalDate()).contains(Instant.parse("2024-01-01T00:00:00Z"));
            assertThat(messages.get(1).unparsed()).containsOnlyKeys("INTERNALDATE");
            assertThat(messages.get(2).unparsed()).containsOnlyKeys("INTERNALDATE", "X-NEW");
            assertThat(new String(messages.get(2).unparsed().get("X-NEW"), StandardCharsets.US_ASCII))
                    .isEqualTo("(a (b \"c)\" \")\\\"x\"))");
        });
    }

    @Test
    void malformed_line_ends_and_numbers_are_understood() {
        play("courier/lone-lf.txt", connection -> {
            SelectedMailbox inbox = await(connection.select(MailboxName.INBOX, false));
            assertThat(inbox.uidValidity()).isEmpty();
            FetchedMessage message =
                    fetch(connection, ALL, FetchItems.of(FetchItems.FLAGS)).getFirst();
            assertThat(message.uid()).isEqualTo(5);
            assertThat(message.flags()).contains(Set.of(ImapFlag.SEEN, new ImapFlag("NonJunk")));
        });
    }
}
