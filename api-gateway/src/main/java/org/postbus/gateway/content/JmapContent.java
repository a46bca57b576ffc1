package org.postbus.gateway.content;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.account.HostPolicy;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapBlob;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.mime.encoding.TransferDecoder;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;

/**
 * Content of an email on a JMAP server. A blob that the server has purged is found again by reading the email again (RFC 8621
 * section 4.1.1 lets blobIds change): once. Blocks: for virtual threads.
 */
@ApplicationScoped
class JmapContent {
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);
    private static final int ANSWER_BYTES_MAX = 4 << 20;
    private static final long BLOB_BYTES_MAX = 512L << 20;
    private static final JmapOptions OPTIONS = new JmapOptions(
            CONNECT_MAX, OpenContent.SILENCE_MAX, ANSWER_BYTES_MAX, JmapOptions.DEFAULTS.redirectsMax());

    private final Vertx vertx;
    private final HostPolicy hosts;

    JmapContent(Vertx vertx, HostPolicy hosts) {
        this.vertx = vertx;
        this.hosts = hosts;
    }

    /** One conversation; its streams must not be touched from other threads than its context's. */
    private record Talk(JmapClient client, Executor context) {
        <T> T await(Uni<T> answer) throws InterruptedException {
            return Waiting.on(answer.runSubscriptionOn(context), OpenContent.SILENCE_MAX);
        }
    }

    OpenContent raw(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        Talk talk = open(email, settings);
        return blob(
                talk, email.blobId(), "message/rfc822", () -> read(talk, email).blobId());
    }

    FoundPart part(EmailOnServer email, AccountSettings.Jmap settings, String partId) throws InterruptedException {
        Talk talk = open(email, settings);
        EmailBody body = email.body().isPresent() ? email.body().get() : bodyOf(read(talk, email));
        EmailBodyPart part =
                find(body, partId).orElseThrow(() -> new ContentException(new ContentFailure.NoSuchPart()));
        return new FoundPart(
                part,
                blob(
                        talk,
                        part.blobId(),
                        part.type(),
                        () -> find(bodyOf(read(talk, email)), partId).flatMap(EmailBodyPart::blobId)));
    }

    FetchedBody body(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        return new FetchedBody(bodyOf(read(open(email, settings), email)), true);
    }

    private Talk open(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        requirePublic(settings.sessionUrl().getHost());
        Context context = vertx.getOrCreateContext();
        Executor executor = task -> context.runOnContext(go -> task.run());
        JmapClient client = Waiting.on(
                JmapClient.open(vertx, settings, email.credential(), OPTIONS).runSubscriptionOn(executor),
                OpenContent.SILENCE_MAX);
        // The server says where to go next; it is as little to be trusted as whoever entered its name.
        Stream.concat(Stream.of(client.session().apiUrl().toString()), client.session().downloadUrl().stream())
                .forEach(url -> requirePublic(hostOf(url)));
        return new Talk(client, executor);
    }

    private void requirePublic(String host) {
        if (host == null || !hosts.allows(host)) {
            throw new ContentException(
                    new ContentFailure.Refused("the account's mail server is not on the public Internet"));
        }
    }

    /** @param url or a template for one (RFC 6570) */
    private static String hostOf(String url) {
        try {
            return URI.create(url.replace("{", "").replace("}", "")).getHost();
        } catch (IllegalArgumentException notAUrl) {
            throw new ContentException(new ContentFailure.Refused("the mail server gives an address that is none"));
        }
    }

    /** What finds a blob again. */
    private interface Finding {
        Optional<String> blobId() throws InterruptedException;
    }

    private static OpenContent blob(Talk talk, Optional<String> known, String type, Finding again)
            throws InterruptedException {
        if (known.isPresent()) {
            try {
                return download(talk, known.get(), type);
            } catch (ServerException e) {
                if (!isPurged(e)) {
                    throw e;
                }
            }
        }
        String found =
                again.blobId().filter(id -> !known.equals(Optional.of(id))).orElseThrow(JmapContent::gone);
        try {
            return download(talk, found, type);
        } catch (ServerException e) {
            throw isPurged(e) ? gone() : e;
        }
    }

    private static OpenContent download(Talk talk, String blobId, String type) throws InterruptedException {
        JmapBlob blob = talk.await(talk.client().download(blobId, "content", type, BLOB_BYTES_MAX));
        Portions<Buffer> portions = Portions.of(blob.content(), talk.context());
        try {
            Optional<Buffer> first = portions.next(OpenContent.SILENCE_MAX);
            return new OpenContent(
                    first,
                    blob.size().map(OptionalLong::of).orElse(OptionalLong.empty()),
                    () -> portions.next(OpenContent.SILENCE_MAX),
                    TransferDecoder.of(""),
                    whole -> portions.close());
        } catch (ServerException | InterruptedException e) {
            portions.close();
            throw e;
        }
    }

    private static JmapEmail read(Talk talk, EmailOnServer email) throws InterruptedException {
        String id = email.jmapId().orElseThrow(JmapContent::gone);
        return talk
                .await(talk.client()
                        .call(new JmapMethod.EmailGet(
                                JmapMethod.Ids.these(List.of(id)),
                                Optional.of(new JmapMethod.BodyValues(true, true, EmailBody.TEXT_BYTES_MAX)))))
                .list()
                .stream()
                .filter(one -> one.id().equals(id))
                .findFirst()
                .orElseThrow(JmapContent::gone);
    }

    private static EmailBody bodyOf(JmapEmail email) {
        return email.body()
                .orElseThrow(() ->
                        new ContentException(new ContentFailure.Refused("the mail server does not give the body")));
    }

    private static Optional<EmailBodyPart> find(EmailBody body, String partId) {
        return Stream.of(body.attachments(), body.textBody(), body.htmlBody())
                .flatMap(List::stream)
                .filter(part -> part.partId().equals(partId))
                .findFirst();
    }

    private static boolean isPurged(ServerException e) {
        return e.failure() instanceof ServerFailure.Rejected(var code, var text) && code.equals("blobNotFound");
    }

    private static ContentException gone() {
        return new ContentException(new ContentFailure.Gone("the mail server does not have it any more"));
    }
}
