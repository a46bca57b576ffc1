package org.postbus.gateway.content;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.postbus.account.AccountSettings;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.kit.concurrent.ReadAhead;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.jmap.http.JmapBlob;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.mail.mime.encoding.TransferDecoder;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;

/**
 * Reads content of an email from a JMAP server. If the blob no longer exists, the email is read again for its new blobId, once (RFC 8621
 * section 4.1.1 allows blobIds to change). Blocks: for virtual threads.
 */
@ApplicationScoped
class JmapContent {
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);
    private static final int ANSWER_BYTES_MAX = 4 << 20;
    private static final long BLOB_BYTES_MAX = 512L << 20;
    private static final JmapOptions OPTIONS = new JmapOptions(
            CONNECT_MAX, OpenContent.SILENCE_MAX, ANSWER_BYTES_MAX, JmapOptions.DEFAULTS.redirectsMax());

    private final EgressConnector egress;

    JmapContent(EgressConnector egress) {
        this.egress = egress;
    }

    /** A client and the Vert.x context on which its streams must be used. */
    private record Connection(JmapClient client, Executor context) {
        <T> T await(Uni<T> answer) throws InterruptedException {
            return Await.of(answer.runSubscriptionOn(context), OpenContent.SILENCE_MAX, ServerException::unreachable);
        }
    }

    OpenContent raw(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        Connection connection = open(email, settings);
        return blob(
                connection,
                email.blobId(),
                "message/rfc822",
                () -> read(connection, email).blobId());
    }

    FoundPart part(EmailOnServer email, AccountSettings.Jmap settings, String partId) throws InterruptedException {
        Connection connection = open(email, settings);
        EmailBody body = email.body().isPresent() ? email.body().get() : bodyOf(read(connection, email));
        EmailBodyPart part =
                find(body, partId).orElseThrow(() -> new ContentException(new ContentFailure.NoSuchPart()));
        return new FoundPart(
                part,
                blob(
                        connection,
                        part.blobId(),
                        part.type(),
                        () -> find(bodyOf(read(connection, email)), partId).flatMap(EmailBodyPart::blobId)));
    }

    FetchedBody body(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        return new FetchedBody(bodyOf(read(open(email, settings), email)), true);
    }

    private Connection open(EmailOnServer email, AccountSettings.Jmap settings) throws InterruptedException {
        Context context = egress.vertx().getOrCreateContext();
        Executor executor = task -> context.runOnContext(go -> task.run());
        JmapClient client = Await.of(
                JmapClient.open(egress, settings, email.credential(), OPTIONS).runSubscriptionOn(executor),
                OpenContent.SILENCE_MAX,
                ServerException::unreachable);
        return new Connection(client, executor);
    }

    /** Reads the email again for its blobId. */
    private interface Lookup {
        Optional<String> blobId() throws InterruptedException;
    }

    private static OpenContent blob(Connection connection, Optional<String> stored, String type, Lookup lookup)
            throws InterruptedException {
        if (stored.isPresent()) {
            try {
                return download(connection, stored.get(), type);
            } catch (ServerException e) {
                if (!isPurged(e)) {
                    throw e;
                }
            }
        }
        String found =
                lookup.blobId().filter(id -> !stored.equals(Optional.of(id))).orElseThrow(JmapContent::gone);
        try {
            return download(connection, found, type);
        } catch (ServerException e) {
            throw isPurged(e) ? gone() : e;
        }
    }

    private static OpenContent download(Connection connection, String blobId, String type) throws InterruptedException {
        JmapBlob blob = connection.await(connection.client().download(blobId, "content", type, BLOB_BYTES_MAX));
        HeldBytes.Share waiting = connection.client().keeping();
        BoundedPull<Buffer> chunks = BoundedPull.of(
                blob.content(),
                ReadAhead.<Buffer>ofBytes(OpenContent.BYTES_AHEAD, Buffer::length)
                        .counted(waiting::set, HeldBytes.OF_PROCESS::isTight),
                connection.context());
        try {
            Optional<Buffer> first = chunks.next(OpenContent.SILENCE_MAX, OpenContent::silent);
            return new OpenContent(
                    first,
                    blob.size().map(OptionalLong::of).orElse(OptionalLong.empty()),
                    () -> chunks.next(OpenContent.SILENCE_MAX, OpenContent::silent),
                    TransferDecoder.of(""),
                    whole -> chunks.close());
        } catch (ServerException | InterruptedException e) {
            chunks.close();
            throw e;
        }
    }

    private static JmapEmail read(Connection connection, EmailOnServer email) throws InterruptedException {
        String id = email.jmapId().orElseThrow(JmapContent::gone);
        return connection
                .await(connection
                        .client()
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
                        new ContentException(new ContentFailure.Refused("the mail server did not send the body")));
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
        return new ContentException(new ContentFailure.Gone("the mail server no longer has it"));
    }
}
