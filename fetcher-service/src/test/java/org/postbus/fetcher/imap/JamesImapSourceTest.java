package org.postbus.fetcher.imap;

import org.postbus.account.Secret;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;

/** James: CONDSTORE, QRESYNC, OBJECTID and MOVE, IDLE that does not report flags, no NOTIFY. */
class JamesImapSourceTest extends ImapSourceContract {
    @Override
    String host() {
        return James.HOST;
    }

    @Override
    int portOfNewUser() {
        return DevStack.james(new James.User(user, new Secret(PASSWORD)))
                .ports()
                .imap();
    }

    @Override
    char delimiter() {
        return '.';
    }
}
