package org.postbus.fetcher.imap;

import org.postbus.fetcher.OtherServer;

/** Any IMAP server. Run only when it is named. */
class OtherImapSource extends ImapSourceContract {
    private final String[] server = OtherServer.property(OtherServer.IMAP).split(":");

    @Override
    String host() {
        return server[0];
    }

    @Override
    int portOfNewUser() {
        OtherServer.makeUser(user, PASSWORD);
        return Integer.parseInt(server[1]);
    }

    @Override
    char delimiter() {
        return server.length > 2 ? server[2].charAt(0) : '/';
    }

    @Override
    String top() {
        return server.length > 3 ? server[3] : "";
    }
}
