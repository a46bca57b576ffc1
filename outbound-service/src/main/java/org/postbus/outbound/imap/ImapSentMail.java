package org.postbus.outbound.imap;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.outbound.submission.SentMail;
import org.postbus.outbound.submission.Submission;

/** Files copies in Sent by IMAP: SEARCH for the Message-ID, and APPEND if it is not found. Connects at the first use. */
public final class ImapSentMail implements SentMail {
    private static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(5);

    private final AccountSettings.Imap settings;
    private final Credential credential;
    private final ImapClient imap;
    private final Optional<MailboxName> sent;
    private ImapConnection connection;

    /** @param sent empty if the account has no mailbox for sent mail */
    public ImapSentMail(
            AccountSettings.Imap settings, Credential credential, ImapClient imap, Optional<MailboxName> sent) {
        this.settings = settings;
        this.credential = credential;
        this.imap = imap;
        this.sent = sent;
    }

    @Override
    public boolean isFiledInSent(Submission submission) {
        return sent.isPresent() && isIn(sent.get(), submission);
    }

    @Override
    public void copyToSent(Submission submission, Runnable beforeFiling) {
        MailboxName mailbox = sent.orElseThrow(() -> new ServerException(
                new ServerFailure.Rejected("no-sent-mailbox", "the account has no mailbox for sent mail")));
        if (!isIn(mailbox, submission)) {
            beforeFiling.run();
            await(connection().append(mailbox, Set.of(ImapFlag.SEEN), Optional.empty(), submission.message()));
        }
    }

    private boolean isIn(MailboxName mailbox, Submission submission) {
        await(connection().select(mailbox, true));
        return !await(connection().uidSearchMessageId("<" + submission.messageId() + ">"))
                .isEmpty();
    }

    private ImapConnection connection() {
        if (connection == null) {
            connection = await(imap.open(settings.imap(), settings.username(), credential));
        }
        return connection;
    }

    private static <T> T await(Uni<T> answer) {
        return Await.uninterruptibly(answer, COMMAND_TIME_MAX, ServerException::unreachable);
    }

    @Override
    public void close() {
        if (connection != null) {
            connection.logout().subscribe().with(done -> {}, failure -> {});
        }
    }
}
