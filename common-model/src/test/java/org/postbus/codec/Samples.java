package org.postbus.codec;

import java.net.URI;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.AccountSettings;
import org.postbus.account.PushKind;
import org.postbus.account.ServerAddress;
import org.postbus.account.SyncState;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.Changed;
import org.postbus.change.Origin;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.model.MutationId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ObservedEmail;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.ReadFailures;
import org.postbus.observation.SyncScope;
import org.postbus.observation.UidRange;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.DeadLetter;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.SyncRequest;
import org.postbus.topic.Topics;

/** One example of every record of a topic and of the stored settings. Each has a golden file. */
final class Samples {
    static final TenantId TENANT = TenantId.of("01990000-0000-7000-8000-000000000001");
    static final AccountId ACCOUNT = AccountId.of("01990000-0000-7000-8000-0000000000a1");
    static final MailboxId INBOX_ID = MailboxId.of("01990000-0000-7000-8000-0000000000b1");
    static final MailboxId ARCHIVE_ID = MailboxId.of("01990000-0000-7000-8000-0000000000b2");
    static final EmailId EMAIL_ID = EmailId.of("01990000-0000-7000-8000-0000000000c1");
    static final MutationId MUTATION = MutationId.of("01990000-0000-7000-8000-0000000000d1");
    static final SubmissionId SUBMISSION = SubmissionId.of("01990000-0000-7000-8000-0000000000f1");
    static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private static final MailboxKey INBOX = MailboxKey.ofRawName("INBOX");
    private static final EmailRef MESSAGE = new EmailRef.ImapMessage(INBOX, 1_700_000_000L, 42);

    private Samples() {}

    static EmailHeaders headers() {
        return new EmailHeaders(
                List.of("20260301.1@example.com"),
                List.of(),
                List.of(),
                List.of(),
                List.of(new EmailAddress(Optional.of("Bob"), "bob@example.com")),
                List.of(new EmailAddress(Optional.empty(), "alice@example.com")),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("Lunch?"),
                Optional.of("2026-03-01T13:00:00+01:00"));
    }

    static Email email(Map<MailboxId, Boolean> mailboxIds, Map<Keyword, Boolean> keywords) {
        return new Email(
                EMAIL_ID,
                "01990000-0000-7000-8000-0000000000e1",
                mailboxIds,
                keywords,
                2048,
                NOON,
                headers(),
                false,
                "Are you free at noon?");
    }

    static Mailbox mailbox(long totalEmails) {
        return new Mailbox(
                INBOX_ID, "INBOX", Optional.empty(), "INBOX", Optional.of(MailboxRole.INBOX), 0, totalEmails, 1, true);
    }

    private static ObservedEmail observedEmail() {
        EmailBodyPart text = new EmailBodyPart(
                "1",
                Optional.empty(),
                21,
                Optional.empty(),
                "text/plain",
                Optional.of("utf-8"),
                Optional.empty(),
                Optional.empty());
        return new ObservedEmail(
                Optional.of(new EmailIdentity.ObjectId("M6d99ac3275bb4e")),
                Optional.empty(),
                Optional.empty(),
                Optional.of("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
                headers(),
                NOON,
                2048,
                false,
                "Are you free at noon?",
                Optional.of(new EmailBody(
                        List.of(text),
                        List.of(text),
                        List.of(),
                        Map.of("1", new EmailBodyValue("Are you free at noon?", false, false)))));
    }

    static Map<String, Observation> observations() {
        Map<String, Observation> samples = new LinkedHashMap<>();
        samples.put(
                "mailbox-observed",
                new Observation.MailboxObserved(new ObservedMailbox(
                        INBOX,
                        Optional.empty(),
                        Optional.of("INBOX"),
                        "INBOX",
                        Optional.empty(),
                        Optional.of(MailboxRole.INBOX),
                        0,
                        true,
                        true,
                        10,
                        1)));
        samples.put("mailbox-vanished", new Observation.MailboxVanished(INBOX));
        samples.put("mailbox-reset", new Observation.MailboxReset(INBOX, 1_700_000_001L));
        samples.put(
                "email-observed",
                new Observation.EmailObserved(
                        MESSAGE, Set.of(INBOX), Set.of(Keyword.SEEN), Optional.of(77L), observedEmail()));
        samples.put(
                "email-state-observed",
                new Observation.EmailStateObserved(
                        new EmailRef.JmapEmail("e1"),
                        Set.of(MailboxKey.ofId("m1")),
                        Set.of(Keyword.FLAGGED),
                        Optional.empty()));
        samples.put(
                "uids-vanished",
                new Observation.UidsVanished(
                        INBOX, 1_700_000_000L, List.of(new UidRange(1, 40), new UidRange(42, 42))));
        samples.put(
                "message-quarantined",
                // Of an earlier build; the form without failures stays readable.
                new Observation.MessageNotRead(
                        INBOX,
                        1_700_000_000L,
                        42,
                        "NO [SERVERBUG] cannot read it",
                        Optional.empty(),
                        Optional.empty()));
        ReadFailures refusedTwice = new ReadFailures(false, 2, 0, NOON, NOON.plusSeconds(30), NOON.plusSeconds(90));
        samples.put(
                "message-deferred",
                Observation.MessageNotRead.imap(
                        INBOX, 1_700_000_000L, 42, "NO [UNAVAILABLE] System Error", refusedTwice));
        samples.put("email-deferred", Observation.MessageNotRead.jmap("e1", "Email/get: serverFail", refusedTwice));
        samples.put("emails-destroyed", new Observation.EmailsDestroyed(List.of("e1", "e2")));
        samples.put("jmap-ids-reassigned", new Observation.JmapIdsReassigned(Map.of("e1", "e7")));
        samples.put(
                "scope-synced",
                new Observation.ScopeSynced(
                        SyncScope.ofMailbox(INBOX), new Cursor.Imap(1_700_000_000L, 43, Optional.of(77L), 1)));
        samples.put(
                "scope-synced-jmap",
                new Observation.ScopeSynced(SyncScope.JMAP_EMAIL, new Cursor.Jmap("s1", Optional.of("e9"), false)));
        samples.put(
                "scope-synced-jmap-unsettled",
                new Observation.ScopeSynced(
                        SyncScope.JMAP_EMAIL,
                        new Cursor.Jmap(
                                "s7", Optional.empty(), true, Optional.of(new Cursor.Jmap.Unsettled("s4", 12)))));
        samples.put(
                "pass-finished-with-number",
                new Observation.PassFinished(NOON, NOON.plusMillis(250), true, Optional.of(17L)));
        samples.put(
                "pass-finished-without-number",
                new Observation.PassFinished(NOON, NOON.plusMillis(250), false, Optional.empty()));
        samples.put(
                "account-state-observed",
                new Observation.AccountStateObserved(
                        SyncState.BACKOFF,
                        Optional.of("imap.example.com:993 did not answer in 30 s"),
                        Optional.of(NOON.plusSeconds(5)),
                        Optional.of(PushKind.IDLE)));
        return samples;
    }

    static Map<String, Change> changes() {
        Map<String, Change> samples = new LinkedHashMap<>();
        samples.put("mailbox.created", new ChangeEvent.MailboxCreated(mailbox(10)));
        samples.put("mailbox.updated", new ChangeEvent.MailboxUpdated(mailbox(11), mailbox(10)));
        samples.put("mailbox.destroyed", new ChangeEvent.MailboxDestroyed(INBOX_ID));
        samples.put("account.deleted", new ChangeEvent.AccountDeleted());
        samples.put("mailbox.reset", new ChangeEvent.MailboxReset(INBOX_ID));
        samples.put("email.created", new ChangeEvent.EmailCreated(email(Map.of(INBOX_ID, true), Map.of())));
        samples.put(
                "email.updated",
                new ChangeEvent.EmailUpdated(
                        email(Map.of(ARCHIVE_ID, true), Map.of(Keyword.SEEN, true)),
                        Optional.of(new Changed<>(Map.of(), Map.of(Keyword.SEEN, true))),
                        Optional.of(new Changed<>(Map.of(INBOX_ID, true), Map.of(ARCHIVE_ID, true))),
                        Optional.empty()));
        samples.put(
                "email.updated.thread",
                new ChangeEvent.EmailUpdated(
                        email(Map.of(INBOX_ID, true), Map.of()),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(new Changed<>(
                                "01990000-0000-7000-8000-0000000000e2", "01990000-0000-7000-8000-0000000000e1"))));
        samples.put("email.destroyed", new ChangeEvent.EmailDestroyed(EMAIL_ID));
        samples.put("account.synced", new ChangeEvent.AccountSynced());
        samples.put(
                "account.state",
                new ChangeEvent.AccountStateChanged(
                        SyncState.NEEDS_LOGIN, Optional.of("the server refuses the password")));
        samples.put("mutation.confirmed", new ChangeEvent.MutationConfirmed(MUTATION, Optional.of(EMAIL_ID)));
        samples.put(
                "mutation.rejected",
                new ChangeEvent.MutationRejected(
                        MUTATION, Optional.of(EMAIL_ID), "notFound: the email is no longer on the server"));
        samples.put(
                "mutation.failed",
                new ChangeEvent.MutationFailed(
                        MUTATION,
                        Optional.of(EMAIL_ID),
                        "imap.example.com:993 did not answer in 30 s (given up after 3 days)"));
        samples.put("mutation.discarded", new ChangeEvent.MutationDiscarded(MUTATION, Optional.of(EMAIL_ID)));
        samples.put("submission.queued", new ChangeEvent.SubmissionQueued(SUBMISSION));
        samples.put("submission.sent", new ChangeEvent.SubmissionSent(SUBMISSION, List.of("nobody@example.com")));
        samples.put("submission.rejected", new ChangeEvent.SubmissionRejected(SUBMISSION, "554 5.7.1 looks like spam"));
        samples.put(
                "submission.failed",
                new ChangeEvent.SubmissionFailed(SUBMISSION, "451 4.7.1 come back later (after 98 tries)"));
        samples.put(
                "submission.in-doubt",
                new ChangeEvent.SubmissionInDoubt(
                        SUBMISSION, "smtp.example.com:465 closed the connection before the server's answer"));
        samples.put("submission.canceled", new ChangeEvent.SubmissionCanceled(SUBMISSION));
        return samples;
    }

    static Map<String, AccountSettings> settings() {
        ServerAddress imap = new ServerAddress("imap.example.com", 993, TlsMode.TLS);
        ServerAddress smtp = new ServerAddress("smtp.example.com", 587, TlsMode.STARTTLS);
        return Map.of(
                "imap", new AccountSettings.Imap("alice", imap, Optional.of(smtp)),
                "imap-without-smtp", new AccountSettings.Imap("alice", imap, Optional.empty()),
                "jmap",
                        new AccountSettings.Jmap(
                                "bob",
                                URI.create("https://jmap.example.com/.well-known/jmap"),
                                Optional.of("A2"),
                                List.of("cdn.example.net", "push.example.org")),
                "jmap-with-smtp",
                        new AccountSettings.Jmap(
                                "bob",
                                URI.create("https://jmap.example.com/.well-known/jmap"),
                                Optional.empty(),
                                List.of(),
                                Optional.of(smtp)),
                "jmap-primary-account",
                        new AccountSettings.Jmap("bob", URI.create("https://jmap.example.com/.well-known/jmap")));
    }

    /** The records by the names of their golden files. */
    static Map<String, Object> all() {
        Map<String, Object> samples = new LinkedHashMap<>();
        observations()
                .forEach((name, observation) -> samples.put(
                        "observation." + name, new ObservationBatch(TENANT, ACCOUNT, 3, 7, List.of(observation))));
        changes()
                .forEach((name, change) -> samples.put(
                        name,
                        new ChangeEvent(
                                TENANT,
                                ACCOUNT,
                                12,
                                name.equals("email.updated") ? new Origin.Postbus(MUTATION) : new Origin.Server(),
                                change)));
        samples.put(
                "account-record",
                new AccountRecord(TENANT, ACCOUNT, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 2));
        settings().forEach((name, settings) -> samples.put("account-settings." + name, settings));
        samples.put("mutation-notification", new MutationNotification(TENANT, ACCOUNT));
        samples.put("sync-request", new SyncRequest(TENANT, ACCOUNT));
        samples.put(
                "dead-letter",
                new DeadLetter(
                        Topics.OBSERVATIONS, 3, 1234, Optional.of(ACCOUNT.toString()), "not an ObservationBatch", 1));
        return samples;
    }

    /** Golden files in a form that is no longer written and must still be read, and the record that each is read as. */
    static Map<String, Object> formerForms() {
        return Map.of(
                "observation.jmap-ids-changed",
                new ObservationBatch(
                        TENANT, ACCOUNT, 3, 7, List.of(new Observation.JmapIdsReassigned(Map.of("e1", "e7")))),
                // With "confirmed", the mutations' ids.
                "observation.pass-finished",
                new ObservationBatch(
                        TENANT,
                        ACCOUNT,
                        3,
                        7,
                        List.of(new Observation.PassFinished(NOON, NOON.plusMillis(250), true, Optional.empty()))),
                // With "wake".
                "account",
                new AccountRecord(TENANT, ACCOUNT, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 2));
    }
}
