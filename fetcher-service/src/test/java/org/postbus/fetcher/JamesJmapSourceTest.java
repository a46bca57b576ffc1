package org.postbus.fetcher;

import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.account.Secret;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.James;

/** James: event source and WebSocket, no anchors, pages of 256, and states that a change may overtake. */
class JamesJmapSourceTest extends JmapSourceContract {
    private static final AtomicInteger USERS = new AtomicInteger();

    @Override
    Login newUser() {
        James.User user = new James.User("jmap" + USERS.incrementAndGet() + "@example.com", new Secret("secret"));
        return new Login(
                DevStack.james(user).sessionUrl(),
                user.address(),
                user.password().reveal());
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
