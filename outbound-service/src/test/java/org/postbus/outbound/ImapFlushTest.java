package org.postbus.outbound;

import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.James;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.outbound.TestDatabase.Account;

class ImapFlushTest extends FlushContract {
    @Override
    String protocol() {
        return "imap";
    }

    @Override
    Account newAccount() {
        return side.database.account(new AccountSettings.Imap(
                user, new ServerAddress(James.HOST, james.ports().imap(), TlsMode.NONE), Optional.empty()));
    }

    @Override
    MailboxId knownMailbox(String name) {
        return side.database.mailbox(account, "name:" + name, name);
    }

    @Override
    EmailId knownEmail(long uid, String messageId) {
        EmailId email = side.database.email(account, null, messageId);
        side.database.link(account, email, inbox, uidValidity("INBOX"), uid);
        return email;
    }
}
