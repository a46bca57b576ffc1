package org.postbus.mail.imap.fake;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.Test;

/** A strict server that complained of a client's right to hang up would fail now and then, as the network has it. */
class ScriptedImapServerTest {
    private static final String MORE_THAN_A_SOCKET_HOLDS = "S: * 5 EXISTS\n".repeat(600_000);

    @Test
    void a_client_may_hang_up_while_nothing_more_is_expected_of_it() throws IOException {
        try (ScriptedImapServer server = playing("S: * BYE enough\n" + MORE_THAN_A_SOCKET_HOLDS)) {
            hangUpAtOnce(server);
            assertThatCode(server::assertPlayed).doesNotThrowAnyException();
        }
    }

    @Test
    void a_client_that_hangs_up_before_its_last_command_is_complained_of() throws IOException {
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
