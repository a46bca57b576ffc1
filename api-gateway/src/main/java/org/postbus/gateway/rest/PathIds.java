package org.postbus.gateway.rest;

import java.util.UUID;
import java.util.function.Function;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

/** Ids in URLs. A text that is no id gets the same 404 as the id of something that does not exist. */
public final class PathIds {
    private PathIds() {}

    public static AccountId account(String text) {
        return id(text, AccountId::of, "account");
    }

    public static MailboxId mailbox(String text) {
        return id(text, MailboxId::of, "mailbox");
    }

    public static EmailId email(String text) {
        return id(text, EmailId::of, "email");
    }

    public static MutationId mutation(String text) {
        return id(text, MutationId::of, "mutation");
    }

    public static SubmissionId submission(String text) {
        return id(text, SubmissionId::of, "submission");
    }

    public static TenantId tenant(String text) {
        return id(text, TenantId::of, "tenant");
    }

    public static UUID quarantined(String text) {
        return id(text, UUID::fromString, "quarantined message");
    }

    public static UUID key(String text) {
        return id(text, UUID::fromString, "key");
    }

    private static <T> T id(String text, Function<String, T> parse, String what) {
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            throw Problem.notFound(what);
        }
    }
}
