package org.postbus.outbound;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.jmap.JmapClient;
import org.postbus.mail.jmap.JmapMailbox;
import org.postbus.mail.jmap.JmapMethod;
import org.postbus.mail.jmap.JmapOptions;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.outbound.TestDatabase.Account;

class JmapFlushTest extends FlushContract {
    private static final Duration WAIT = Duration.ofSeconds(30);

    @Override
    String protocol() {
        return "jmap";
    }

    @Override
    Account newAccount() {
        return side.database.account(new AccountSettings.Jmap(user, james.sessionUrl()));
    }

    @Override
    MailboxId knownMailbox(String name) {
        try (JmapClient client = client()) {
            JmapMailbox found =
                    client.call(new JmapMethod.MailboxGet(JmapMethod.Ids.all())).await().atMost(WAIT).list().stream()
                            .filter(mailbox -> mailbox.name().equalsIgnoreCase(name))
                            .findFirst()
                            .orElseThrow();
            return side.database.mailbox(account, "id:" + found.id(), null);
        }
    }

    @Override
    EmailId knownEmail(long uid, String messageId) {
        try (JmapClient client = client()) {
            String id = await().atMost(WAIT)
                    .until(() -> serverId(client, messageId), Optional::isPresent)
                    .orElseThrow();
            EmailId email = side.database.email(account, "jmap:" + id, messageId);
            side.database.link(account, email, inbox, 0, 0);
            return email;
        }
    }

    private static Optional<String> serverId(JmapClient client, String messageId) {
        var ids = client.call(new JmapMethod.EmailQuery(new JmapMethod.QueryStart.Position(0), 100))
                .await()
                .atMost(WAIT)
                .ids();
        return client
                .call(new JmapMethod.EmailGet(JmapMethod.Ids.these(ids), Optional.empty()))
                .await()
                .atMost(WAIT)
                .list()
                .stream()
                .filter(email -> email.headers().messageId().contains(messageId))
                .map(email -> email.id())
                .findFirst();
    }

    private JmapClient client() {
        return JmapClient.open(
                        side.vertx(),
                        james.sessionUrl(),
                        user,
                        new Credential.Password(new Secret(PASSWORD)),
                        JmapOptions.DEFAULTS)
                .await()
                .atMost(WAIT);
    }
}
