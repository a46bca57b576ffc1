package org.postbus.devstack.mailserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.rawclient.RawImap;

class DovecotTest {
    private static final byte[] MAIL =
            "Message-ID: <1@example.org>\r\nSubject: x\r\n\r\ny\r\n".getBytes(StandardCharsets.UTF_8);

    @BeforeAll
    static void needsDovecot() {
        assumeTrue(
                Dovecot.isInstalled() || Dovecot.isRequired(),
                "NOT TESTED: Dovecot is not installed (apt-get install dovecot-imapd)");
    }

    @Test
    void it_advertises_the_extensions_and_stores_messages() {
        Dovecot.User user = Dovecot.User.of("dora@example.com", "it's a secret");
        Dovecot dovecot = DevStack.dovecot(Set.of(), user);
        try (RawImap imap = login(dovecot, user)) {
            assertThat(List.of("CONDSTORE", "QRESYNC", "NOTIFY", "MOVE", "UIDPLUS", "LIST-STATUS"))
                    .allMatch(imap::has);
            imap.append("INBOX", List.of("\\Seen"), Instant.parse("2026-01-02T03:04:05Z"), MAIL);
            imap.select("INBOX");
            assertThat(imap.fetchAll())
                    .singleElement()
                    .satisfies(message -> assertThat(message.flags()).containsExactly("\\Seen"));
            assertThat(imap.list())
                    .extracting(RawImap.Listed::name)
                    .containsExactlyInAnyOrder("INBOX", "Drafts", "Junk", "Sent", "Trash");
        }
    }

    @Test
    void hidden_capabilities_are_not_advertised() {
        Dovecot.User user = Dovecot.User.of("doris@example.com", "secret");
        Dovecot dovecot = DevStack.dovecot(Dovecot.DELTAS, user);
        try (RawImap imap = login(dovecot, user)) {
            assertThat(Dovecot.DELTAS).noneMatch(imap::has);
            assertThat(imap.has("UIDPLUS")).isTrue();
        }
    }

    @Test
    void the_uidvalidity_can_be_changed_and_sessions_can_be_ended() {
        Dovecot.User user = Dovecot.User.of("dido@example.com", "secret");
        Dovecot dovecot = DevStack.dovecot(Set.of(), user);
        try (RawImap imap = login(dovecot, user)) {
            imap.append("INBOX", List.of(), Instant.parse("2026-01-02T03:04:05Z"), MAIL);

            dovecot.changeUidValidity(user, "INBOX", 4711);

            assertThat(imap.select("INBOX").uidValidity()).isEqualTo(4711);
            dovecot.kick(user);
            // The session may still respond to a command before it ends.
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () -> assertThatThrownBy(() -> imap.select("INBOX")).isInstanceOf(RuntimeException.class));
        }
    }

    @Test
    void tls_uses_the_certificate_that_certificate_returns() throws Exception {
        Dovecot dovecot = DevStack.dovecot(Set.of());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry(
                "dovecot",
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(dovecot.certificate().getBytes(StandardCharsets.US_ASCII))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) tls.getSocketFactory()
                .createSocket(
                        InetAddress.getByName(Dovecot.HOST), dovecot.ports().imaps())) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            assertThat(new String(socket.getInputStream().readNBytes(4), StandardCharsets.US_ASCII))
                    .isEqualTo("* OK");
        }
    }

    @Test
    void closing_deletes_its_directory() {
        Dovecot dovecot = Dovecot.start(new Dovecot.Settings(
                List.of(),
                Set.of(),
                Path.of("target", "dev-stack", "dovecot-short.log").toAbsolutePath()));
        Path directory = dovecot.directory();

        dovecot.close();

        assertThat(dovecot.process().isAlive()).isFalse();
        assertThat(Files.exists(directory)).isFalse();
    }

    private static RawImap login(Dovecot dovecot, Dovecot.User user) {
        return RawImap.login(
                Dovecot.HOST,
                dovecot.ports().imap(),
                user.name(),
                user.password().reveal());
    }
}
