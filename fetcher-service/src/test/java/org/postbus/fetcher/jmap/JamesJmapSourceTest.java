package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;
import org.postbus.fetcher.TestAccount;

/** James: event source and WebSocket, no anchors, pages of 256, and states that a change in progress may miss. */
class JamesJmapSourceTest extends JmapSourceContract {
    private static final AtomicInteger USERS = new AtomicInteger();

    private James.User user;

    @Override
    Login newUser() {
        user = new James.User("jmap" + USERS.incrementAndGet() + "@example.com", new Secret("secret"));
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

    @Test
    void one_account_has_the_same_content_over_both_protocols() {
        TestAccount overImap = fetcher.account(
                new AccountSettings.Imap(
                        user.address(),
                        new ServerAddress(
                                James.HOST, DevStack.james(user).ports().imap(), TlsMode.NONE),
                        Optional.empty()),
                user.password().reveal());
        fetcher.start(account);
        fetcher.start(overImap);
        long seed = LONG ? System.nanoTime() : 20261124;
        JmapHistory history = new JmapHistory(new Random(seed), other);
        while (history.operations() < (LONG ? 3_000 : 150)) {
            history.some();
        }

        awaitEqual("seed " + seed, Duration.ofMinutes(2));
        Map<String, List<String>> server = serverContent();
        fetcher.requestSync(overImap.accountId());
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(fetcher.content(overImap))
                        .as("seed %d", seed)
                        .isEqualTo(server));
        assertThat(stored()).as("seed %d", seed).isEqualTo(server);
    }
}
