package org.postbus.mail.imap.fake;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.Test;

/** If the server reported a client that is allowed to close, tests would fail at random. */
class ScriptedImapServerTest {
    private static final String MORE_THAN_A_SOCKET_HOLDS = "S: * 5 EXISTS\n".repeat(600_000);

    @Test
    void a_client_may_close_when_nothing_more_is_expected_of_it() throws IOException {
        try (ScriptedImapServer server = playing("S: * BYE enough\n" + MORE_THAN_A_SOCKET_HOLDS)) {
            hangUpAtOnce(server);
            assertThatCode(server::assertPlayed).doesNotThrowAnyException();
        }
    }

    @Test
    void a_client_that_closes_before_its_last_command_is_reported() throws IOException {
        try (ScriptedImapServer server =
                playing("S: * OK ready\n" + MORE_THAN_A_SOCKET_HOLDS + "C: A1 LOGOUT\nS: A1 OK bye\n")) {
            hangUpAtOnce(server);
            assertThatThrownBy(server::assertPlayed).isInstanceOf(AssertionError.class);
        }
    }

    private static ScriptedImapServer playing(String transcript) {
        return ScriptedImapServer.playing(Transcript.parse("here", transcript));
    }

    private static void hangUpAtOnce(ScriptedImapServer server) throws IOException {
        try (Socket client =
                new Socket(InetAddress.getLoopbackAddress(), server.address().port())) {
            client.getInputStream().read();
        }
    }
}
