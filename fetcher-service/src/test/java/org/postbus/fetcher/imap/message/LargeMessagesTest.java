package org.postbus.fetcher.imap.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.fetcher.OddMail;
import org.postbus.fetcher.imap.DovecotSourceContract;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.mail.ServerException;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.ParsedEmail;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.TenantId;
import org.postbus.observation.UidRange;

/** On a real Dovecot: a message read by its structure is the same email as one that was read whole. */
class LargeMessagesTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final int MESSAGES = 600;
    private static final Dovecot.User USER = new Dovecot.User("large@example.com", new Secret("secret"));

    private static Vertx vertx;
    private static ImapConnection connection;
    private static RawImap other;

    @BeforeAll
    static void start() throws Exception {
        DovecotSourceContract.needsDovecot();
        int port = DevStack.dovecot(Set.of(), USER).ports().imap();
        other = RawImap.login(Dovecot.HOST, port, USER.name(), "secret");
        vertx = Vertx.vertx();
        connection = Await.of(
                new ImapClient(TestEgress.toThisMachine(vertx), ImapOptions.DEFAULT)
                        .open(
                                new ServerAddress(Dovecot.HOST, port, TlsMode.NONE),
                                USER.name(),
                                new Credential.Password(USER.password())),
                SOON,
                ServerException::unreachable);
    }

    @AfterAll
    static void stop() {
        if (vertx != null) {
            connection.close();
            other.close();
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    void a_message_read_by_its_structure_is_the_one_read_whole() throws Exception {
        long seed = 20261123;
        Random random = new Random(seed);
        other.create("Odd");
        OddMail mails = new OddMail(random);
        for (int i = 0; i < MESSAGES; i++) {
            other.append("Odd", List.of(), Instant.parse("2026-01-01T00:00:00Z"), mails.next());
        }
        Await.of(connection.select(new MailboxName("Odd"), true), SOON, ServerException::unreachable);
        LargeMessages reading = new LargeMessages(
                new AccountId(UUID.randomUUID()), connection, new TenantId(UUID.randomUUID()), new FairPermits<>(1));
        Map<Long, BodyStructure> structures = reading.structures(UidSet.of(List.of(new UidRange(1, MESSAGES))));
        assertThat(structures).as("seed %d", seed).hasSize(MESSAGES);
        int inParts = 0;
        for (FetchedMessage message : whole(MESSAGES)) {
            byte[] raw = message.body().orElseThrow();
            String what = "seed " + seed + ", message " + message.uid();
            ParsedEmail whole = MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);
            byte[] beginning = Arrays.copyOf(raw, Math.min(raw.length, 500 + random.nextInt(3000)));

            MessageContent content =
                    reading.content(withBody(message, beginning), Optional.of(structures.get(message.uid())));

            ParsedEmail read = content.parsed();
            inParts += content instanceof MessageContent.InParts ? 1 : 0;
            assertThat(content.hasBody()).as(what).isTrue();
            assertThat(read.headers()).as(what).isEqualTo(whole.headers());
            assertThat(read.headerHash()).as(what).isEqualTo(whole.headerHash());
            assertThat(read.hasAttachment()).as(what).isEqualTo(whole.hasAttachment());
            assertThat(read.preview()).as(what).isEqualTo(whole.preview());
            assertThat(read.body().bodyValues()).as(what).isEqualTo(whole.body().bodyValues());
            Map<String, BodyStructure.Part> parts = new TreeMap<>();
            structures.get(message.uid()).leaves().forEach(part -> parts.put(part.partId(), part));
            same(what, parts, read.body().textBody(), whole.body().textBody());
            same(what, parts, read.body().htmlBody(), whole.body().htmlBody());
            same(what, parts, read.body().attachments(), whole.body().attachments());
        }
        assertThat(inParts).as("read by their structure").isGreaterThan(MESSAGES * 9 / 10);
    }

    /** Reported sizes may be too large, because the server counts encoded bytes; for base64 that is corrected. */
    private static void same(
            String what, Map<String, BodyStructure.Part> parts, List<EmailBodyPart> read, List<EmailBodyPart> whole) {
        assertThat(read).as(what).hasSameSizeAs(whole);
        for (int i = 0; i < read.size(); i++) {
            EmailBodyPart now = read.get(i);
            EmailBodyPart then = whole.get(i);
            BodyStructure.Part part = parts.get(now.partId());
            boolean exact = part == null || part.encoding().equals(Optional.of("base64"));
            assertThat(now)
                    .as(what)
                    .usingRecursiveComparison()
                    .ignoringFields("size")
                    .isEqualTo(then);
            assertThat(now.size())
                    .as(what + ": size of " + now.partId())
                    .isBetween(
                            then.size() - 4,
                            exact ? then.size() + 4 : part.octets().orElse(0));
        }
    }

    @Test
    void a_missing_or_wrong_structure_is_not_needed() throws Exception {
        other.create("Wrong");
        byte[] raw = ("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"
                        + "Content-Type: image/png\r\n\r\nxyz\r\n--b--\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        other.append("Wrong", List.of(), Instant.parse("2026-01-01T00:00:00Z"), raw);
        Await.of(connection.select(new MailboxName("Wrong"), true), SOON, ServerException::unreachable);
        FetchedMessage message = withBody(whole(1).getFirst(), Arrays.copyOf(raw, raw.length - 10));
        LargeMessages reading = new LargeMessages(
                new AccountId(UUID.randomUUID()), connection, new TenantId(UUID.randomUUID()), new FairPermits<>(1));
        ParsedEmail whole = MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);

        for (Optional<BodyStructure> wrong : List.of(
                Optional.<BodyStructure>empty(),
                Optional.<BodyStructure>of(part("1", "text/plain")),
                Optional.<BodyStructure>of(new BodyStructure.Multipart("", "mixed", Map.of(), List.of())),
                Optional.<BodyStructure>of(new BodyStructure.Multipart(
                        "", "mixed", Map.of(), List.of(part("1", "text/html"), part("2", "image/png")))),
                // Agrees with the beginning, but the server does not return the parts that it names.
                Optional.<BodyStructure>of(new BodyStructure.Multipart(
                        "",
                        "mixed",
                        Map.of(),
                        List.of(part("1", "text/plain"), part("2", "image/png"), part("7.9", "text/plain")))))) {
            MessageContent content = reading.content(message, wrong);

            assertThat(content).isInstanceOf(MessageContent.Whole.class);
            assertThat(content.parsed()).isEqualTo(whole);
        }
    }

    @Test
    void a_message_that_is_too_large_and_has_no_structure_is_published_without_its_body() throws Exception {
        byte[] beginning = "Subject: large\r\n\r\nbeginning".getBytes(StandardCharsets.US_ASCII);
        FetchedMessage message = message(1, LargeMessages.WHOLE_BYTES_MAX + 1, beginning);

        MessageContent content = new LargeMessages(
                        new AccountId(UUID.randomUUID()),
                        connection,
                        new TenantId(UUID.randomUUID()),
                        new FairPermits<>(1))
                .content(message, Optional.empty());

        assertThat(content.hasBody()).isFalse();
        assertThat(content.parsed().headers().subject()).contains("large");
        assertThat(content.parsed().preview()).isEqualTo("beginning");
    }

    private static BodyStructure.Part part(String id, String type) {
        return new BodyStructure.Part(
                id,
                type,
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.of(5),
                Optional.empty(),
                Map.of(),
                Optional.empty());
    }

    private static List<FetchedMessage> whole(long last) throws InterruptedException {
        return Await.of(
                connection
                        .uidFetch(
                                List.of(new UidRange(1, last)),
                                FetchItems.of(FetchItems.FLAGS, FetchItems.SIZE, FetchItems.body(32 << 20)))
                        .collect()
                        .asList(),
                SOON,
                ServerException::unreachable);
    }

    private static FetchedMessage withBody(FetchedMessage message, byte[] body) {
        return message(message.uid(), message.size().orElseThrow(), body);
    }

    private static FetchedMessage message(long uid, long size, byte[] body) {
        return new FetchedMessage(
                uid,
                Optional.of(Set.of()),
                Optional.empty(),
                OptionalLong.of(size),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(body),
                Optional.empty(),
                Map.of());
    }
}
