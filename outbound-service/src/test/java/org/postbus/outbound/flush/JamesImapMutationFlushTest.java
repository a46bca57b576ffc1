package org.postbus.outbound.flush;

import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;

class JamesImapMutationFlushTest extends ImapMutationFlushContract {
    @Override
    String newUser(String name) {
        James.User user = James.User.of("imap-" + name, PASSWORD);
        DevStack.james(user);
        return user.address();
    }

    @Override
    int imapPort() {
        return DevStack.james().ports().imap();
    }

    @Override
    boolean mayReplaceAnOpenMailbox() {
        return true;
    }
}
