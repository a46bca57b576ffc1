package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod.EmailSubmission;
import org.postbus.mail.jmap.method.JmapMethod.Identity;
import org.postbus.mail.jmap.method.JmapMethod.Imported;
import org.postbus.mail.jmap.method.JmapMethod.Sending;
import org.postbus.mail.jmap.method.JmapMethod.Submitted;
import org.postbus.mail.jmap.method.JmapMethod.WrittenEmail;
import org.postbus.mail.jmap.method.SetError;

/** The part of {@link JmapCodec} for sending (RFC 8621 sections 4.8, 6 and 7). Pure. */
final class SendingCodec {
    private static final String CREATION_ID = "s";
    private static final List<String> WRITTEN_EMAIL = List.of("id", "messageId", "mailboxIds", "keywords");
    private static final List<String> EMAIL_SUBMISSION = List.of("id", "undoStatus", "deliveryStatus");

    private SendingCodec() {}

    /**
     * Whether the request must use {@link JmapSession#SUBMISSION}; a server that does not offer it refuses the
     * request.
     */
    static boolean needsSubmission(Sending<?> method) {
        return switch (method) {
            case Sending.IdentityGet get -> true;
            case Sending.EmailSubmissionSet set -> true;
            case Sending.EmailSubmissionQuery query -> true;
            case Sending.EmailSubmissionGet get -> true;
            case Sending.MailboxQuery query -> false;
            case Sending.WrittenEmailGet get -> false;
            case Sending.EmailImport imported -> false;
        };
    }

    static void putArguments(ObjectNode arguments, Sending<?> method) {
        switch (method) {
            case Sending.IdentityGet get -> arguments.putNull("ids");
            case Sending.MailboxQuery(var mailboxId, var limit) -> {
                arguments.putObject("filter").put("inMailbox", mailboxId);
                arguments
                        .putArray("sort")
                        .addObject()
                        .put("property", "receivedAt")
                        .put("isAscending", false);
                arguments.put("limit", limit);
            }
            case Sending.WrittenEmailGet(var ids) -> {
                ArgumentsWriter.putIds(arguments, ids);
                ArgumentsWriter.putAll(arguments.putArray("properties"), WRITTEN_EMAIL);
            }
            case Sending.EmailImport(var blobId, var mailboxIds, var keywords, var receivedAt) -> {
                ObjectNode email = arguments.putObject("emails").putObject(CREATION_ID);
                email.put("blobId", blobId);
                ObjectNode in = email.putObject("mailboxIds");
                mailboxIds.stream().sorted().forEach(id -> in.put(id, true));
                ObjectNode with = email.putObject("keywords");
                keywords.stream().sorted().forEach(keyword -> with.put(keyword.value(), true));
                // A UTCDate (RFC 8620 section 1.4) has no fraction that is zero.
                email.put(
                        "receivedAt", receivedAt.truncatedTo(ChronoUnit.SECONDS).toString());
            }
            case Sending.EmailSubmissionSet(
                    var emailId,
                    var identityId,
                    var mailFrom,
                    var recipients,
                    var onSuccess) -> {
                ObjectNode submission = arguments.putObject("create").putObject(CREATION_ID);
                submission.put("emailId", emailId).put("identityId", identityId);
                ObjectNode envelope = submission.putObject("envelope");
                envelope.putObject("mailFrom").put("email", mailFrom);
                ArrayNode to = envelope.putArray("rcptTo");
                recipients.forEach(recipient -> to.addObject().put("email", recipient));
                arguments.putObject("onSuccessUpdateEmail").set("#" + CREATION_ID, ArgumentsWriter.write(onSuccess));
            }
            case Sending.EmailSubmissionQuery(var emailId) ->
                arguments.putObject("filter").putArray("emailIds").add(emailId);
            case Sending.EmailSubmissionGet(var ids) -> {
                ArgumentsWriter.putIds(arguments, ids);
                ArgumentsWriter.putAll(arguments.putArray("properties"), EMAIL_SUBMISSION);
            }
        }
    }

    /** @throws ServerException if the answer does not say what is asked */
    static Object result(Sending<?> method, JsonNode json) {
        return switch (method) {
            case Sending.IdentityGet get ->
                ResultReader.getResult(
                        json,
                        identity -> new Identity(
                                Text.clean(identity.path("id").asText()),
                                JsonValues.text(identity, "email").orElse("")));
            case Sending.MailboxQuery query -> ResultReader.queryResult(json);
            case Sending.WrittenEmailGet get ->
                ResultReader.getResult(
                        json,
                        email -> new WrittenEmail(
                                Text.clean(email.path("id").asText()),
                                JsonValues.strings(email.path("messageId")),
                                JsonValues.trueKeys(email.path("mailboxIds")),
                                JsonValues.keywords(email.path("keywords"))));
            case Sending.EmailImport imported -> imported(json);
            case Sending.EmailSubmissionSet set -> submitted(json);
            case Sending.EmailSubmissionQuery query -> ResultReader.queryResult(json);
            case Sending.EmailSubmissionGet get -> ResultReader.getResult(json, SendingCodec::emailSubmission);
        };
    }

    private static Imported imported(JsonNode json) {
        SetError error = ResultReader.setErrors(json.path("notCreated")).get(CREATION_ID);
        if (error == null) {
            return JsonValues.text(json.path("created").path(CREATION_ID), "id")
                    .map(id -> new Imported.Done(id, false))
                    .orElseThrow(() -> unknown("message"));
        }
        return JsonValues.text(json.path("notCreated").path(CREATION_ID), "existingId")
                .filter(id -> error.type().equals("alreadyExists"))
                .<Imported>map(id -> new Imported.Done(id, true))
                .orElseGet(() -> new Imported.Refused(error));
    }

    /** A submission that is not reported as failed may have been sent: only {@code notCreated} is a refusal. */
    private static Submitted submitted(JsonNode json) {
        SetError error = ResultReader.setErrors(json.path("notCreated")).get(CREATION_ID);
        if (error != null) {
            return new Submitted.Refused(
                    error,
                    JsonValues.strings(json.path("notCreated").path(CREATION_ID).path("invalidRecipients")));
        }
        return JsonValues.text(json.path("created").path(CREATION_ID), "id")
                .map(Submitted.Done::new)
                .orElseThrow(() -> unknown("submission"));
    }

    private static ServerException unknown(String what) {
        return new ServerException(
                new ServerFailure.OutcomeUnknown("the server does not say what became of the " + what));
    }

    private static EmailSubmission emailSubmission(JsonNode json) {
        Map<String, String> refused = new LinkedHashMap<>();
        json.path("deliveryStatus").fields().forEachRemaining(recipient -> {
            if (recipient.getValue().path("delivered").asText("").equals("no")) {
                refused.put(
                        Text.clean(recipient.getKey()),
                        JmapFailures.cut(recipient.getValue().path("smtpReply").asText("")));
            }
        });
        return new EmailSubmission(
                Text.clean(json.path("id").asText()),
                json.path("undoStatus").asText("").equals("canceled"),
                refused);
    }
}
