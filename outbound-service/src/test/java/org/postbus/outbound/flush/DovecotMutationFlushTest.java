package org.postbus.outbound.flush;

import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.outbound.fixture.TestDovecot;

class DovecotMutationFlushTest extends ImapMutationFlushContract {
    @BeforeAll
    static void dovecot() {
        TestDovecot.assumeInstalled();
    }

    @Override
    String newUser(String name) {
        String user = name + "@example.com";
        DevStack.dovecot(Set.of(), Dovecot.User.of(user, PASSWORD));
        return user;
    }

    @Override
    int imapPort() {
        return DevStack.dovecot(Set.of()).ports().imap();
    }

    /** Dovecot then sometimes reports a "duplicate transaction log sequence" and SERVERBUG, also to other clients. */
    @Override
    boolean mayReplaceAnOpenMailbox() {
        return false;
    }
}
