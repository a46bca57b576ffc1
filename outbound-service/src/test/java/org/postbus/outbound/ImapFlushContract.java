package org.postbus.outbound;

import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.outbound.TestDatabase.Account;

/** The contract over IMAP. */
abstract class ImapFlushContract extends FlushContract {
    @Override
    Account newAccount() {
        return side.database.account(new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", imapPort(), TlsMode.NONE), Optional.empty()));
    }

    @Override
    MailboxId knownMailbox(String name) {
        return side.database.mailbox(account, "name:" + name, name);
    }

    @Override
    void renamed(MailboxId mailbox, String rawName) {
        side.database.run(
                "update mailbox set raw_name = ?, server_key = ? where mailbox_id = ?",
                rawName,
                "name:" + rawName,
                mailbox.value());
    }

    @Override
    EmailId knownEmail(long uid, String messageId) {
        EmailId email = side.database.email(account, null, messageId);
        side.database.link(account, email, inbox, uidValidity("INBOX"), uid);
        return email;
    }
}
