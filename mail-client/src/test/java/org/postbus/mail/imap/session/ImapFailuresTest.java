package org.postbus.mail.imap.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.account.Secret;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.response.ImapParser;
import org.postbus.mail.imap.grammar.response.ImapResponse;

class ImapFailuresTest {
    private static final UidSet UIDS = UidSet.ofUids(1);
    private static final ImapCommand LOGIN = new ImapCommand.Login("alice", new Secret("secret"));
    private static final ImapCommand SELECT = new ImapCommand.Select(MailboxName.INBOX, false, false);
    private static final ImapCommand FETCH = new ImapCommand.UidFetch(UIDS, FetchItems.of(FetchItems.FLAGS));
    private static final ImapCommand MOVE = new ImapCommand.UidMove(UIDS, new MailboxName("Trash"));
    private static final ImapCommand STORE =
            new ImapCommand.UidStore(UIDS, StoreMode.ADD, Set.of(ImapFlag.SEEN), OptionalLong.empty());

    private static ImapCommand command(String name) {
        return switch (name) {
            case "LOGIN" -> LOGIN;
            case "SELECT" -> SELECT;
            case "FETCH" -> FETCH;
            case "MOVE" -> MOVE;
            case "STORE" -> STORE;
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Optional<ServerFailure> failure(ImapCommand command, String answer) {
        byte[] octets = ("A1 " + answer).getBytes(StandardCharsets.UTF_8);
        ImapFrame frame = new ImapFrame(octets, octets.length, List.of());
        return ImapFailures.of(command, (ImapResponse.Tagged) new ImapParser(64).parse(frame));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    LOGIN  | NO [AUTHENTICATIONFAILED] Authentication failed.                     | AuthRejected
                    LOGIN  | NO LOGIN failed.                                                     | AuthRejected
                    LOGIN  | NO [ALERT] Invalid credentials (Failure)                             | AuthRejected
                    LOGIN  | NO [WEBALERT https://example.com] Web login required.                | AuthRejected
                    LOGIN  | NO [EXPIRED] change it                                               | AuthRejected
                    LOGIN  | BAD syntax                                                           | Rejected BAD
                    LOGIN  | NO [ALERT] Too many simultaneous connections. (Failure)              | Throttled
                    LOGIN  | NO [AUTHENTICATIONFAILED] Maximum number of connections from user+IP | Throttled
                    LOGIN  | NO [LIMIT] later                                                     | Throttled
                    LOGIN  | NO [UNAVAILABLE] Temporary authentication failure.                   | Throttled
                    LOGIN  | NO [INUSE] Too many login attempts, try again later                  | Throttled
                    SELECT | BAD User is authenticated but not connected.                         | Throttled
                    SELECT | NO [OVERQUOTA] Account exceeded command or bandwidth limits.         | Throttled
                    SELECT | NO [SERVERBUG] Internal error occurred.                              | Throttled
                    SELECT | NO [NONEXISTENT] gone                                                | Rejected NONEXISTENT
                    SELECT | NO Mailbox doesn't exist: nowhere                                    | Rejected NONEXISTENT
                    SELECT | NO Unknown mailbox: x                                                | Rejected NONEXISTENT
                    SELECT | NO [NOPERM] no                                                       | Rejected NOPERM
                    SELECT | NO                                                                   | Rejected NO
                    FETCH  | NO [UNAVAILABLE] UID FETCH Server error                              | Rejected UNAVAILABLE
                    FETCH  | NO [CORRUPTION] message 7                                            | Rejected CORRUPTION
                    FETCH  | NO Some of the requested messages no longer exist.                   | done
                    FETCH  | NO [EXPUNGEISSUED] Some messages are gone                            | done
                    FETCH  | NO Please try again later                                            | Throttled
                    FETCH  | NO [INUSE] locked                                                    | Throttled
                    FETCH  | NO System Error                                                      | Rejected NO
                    STORE  | NO [EXPUNGEISSUED] Some messages are gone                            | Rejected EXPUNGEISSUED
                    STORE  | NO [MODIFIED 1] no                                                   | done
                    STORE  | NO [EXPUNGEISSUED] Some of the requested messages no longer exist.   | done
                    MOVE   | NO [EXPUNGEISSUED] Some of the requested messages no longer exist.   | Rejected EXPUNGEISSUED
                    MOVE   | NO [TRYCREATE] no such mailbox                                       | Rejected TRYCREATE
                    MOVE   | NO [OVERQUOTA] full                                                  | Rejected OVERQUOTA
                    MOVE   | NO Quota exceeded                                                    | Rejected OVERQUOTA
                    MOVE   | OK done                                                              | done
                    """)
    void answer_means(String command, String answer, String expected) {
        String got = failure(command(command), answer)
                .map(failure -> failure instanceof ServerFailure.Rejected(var code, var text)
                        ? "Rejected " + code
                        : failure.getClass().getSimpleName())
                .orElse("done");

        assertThat(got).isEqualTo(expected);
    }

    @Test
    void backoff_is_what_the_server_says() {
        assertThat(failure(FETCH, "BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds"))
                .contains(new ServerFailure.Throttled(
                        "BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds",
                        Optional.of(Duration.ofMillis(299910))));
    }

    @Test
    void bye_is_unreachable_unless_the_server_names_a_limit() {
        assertThat(ImapFailures.ofBye(Optional.empty(), "Autologout"))
                .isEqualTo(new ServerFailure.Unreachable("BYE Autologout"));
        assertThat(ImapFailures.ofBye(Optional.empty(), "Too many connections from your host"))
                .isInstanceOf(ServerFailure.Throttled.class);
    }

    @Test
    void only_a_change_that_was_sent_whole_is_in_doubt() {
        ServerFailure lost = new ServerFailure.Unreachable("lost");
        assertThat(ImapFailures.ofLostConnection(MOVE, true, lost)).isInstanceOf(ServerFailure.OutcomeUnknown.class);
        assertThat(ImapFailures.ofLostConnection(STORE, true, lost)).isInstanceOf(ServerFailure.OutcomeUnknown.class);
        assertThat(ImapFailures.ofLostConnection(MOVE, false, lost)).isSameAs(lost);
        assertThat(ImapFailures.ofLostConnection(FETCH, true, lost)).isSameAs(lost);
    }

    @Test
    void text_for_people_is_short_and_printable() {
        String text =
                failure(SELECT, "NO " + "x\u0007".repeat(1000)).orElseThrow().text();
        assertThat(text).hasSizeLessThan(350).doesNotContain("\u0007");
    }
}
