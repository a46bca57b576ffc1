package org.postbus.fetcher.jmap;

import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.fetcher.OtherServer;

/** Any JMAP server. Run only when it is named. */
class OtherJmapSource extends JmapSourceContract {
    private static final String PASSWORD = "secret";
    private static final AtomicInteger USERS = new AtomicInteger();

    @Override
    Login newUser() {
        String user = "jmap" + USERS.incrementAndGet() + OtherServer.RUN + "@example.com";
        OtherServer.makeUser(user, PASSWORD);
        return new Login(URI.create(OtherServer.property(OtherServer.JMAP)), user, PASSWORD);
    }

    @Override
    int updatesOfAMoveMax() {
        return 2;
    }

    @Override
    int manyEmails() {
        return 60;
    }
}
