package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.ServerSnapshot;
import org.postbus.outbound.table.AccountTable;
import org.postbus.outbound.table.PendingChangesTable;
import org.postbus.outbound.table.ServerSnapshotTables;

class JmapMutationFlushTest extends MutationFlushContract {
    private static final Duration WAIT = Duration.ofSeconds(30);

    private final James james = DevStack.james();

    @Override
    String newUser(String name) {
        James.User newUser = James.User.of("jmap-" + name, PASSWORD);
        DevStack.james(newUser);
        return newUser.address();
    }

    @Override
    int imapPort() {
        return james.ports().imap();
    }

    @Override
    Account newAccount() {
        return process.database.account(new AccountSettings.Jmap(user, james.sessionUrl()));
    }

    @Override
    MailboxId storedMailbox(String name) {
        try (JmapClient client = client()) {
            JmapMailbox found =
                    client.call(new JmapMethod.MailboxGet(JmapMethod.Ids.all())).await().atMost(WAIT).list().stream()
                            .filter(mailbox -> mailbox.name().equalsIgnoreCase(name))
                            .findFirst()
                            .orElseThrow();
            return process.database.mailbox(account, "id:" + found.id(), null);
        }
    }

    /** It keeps its id. */
    @Override
    void renamed(MailboxId mailbox, String rawName) {}

    @Override
    EmailId storedEmail(long uid, String messageId) {
        try (JmapClient client = client()) {
            String id = await().atMost(WAIT)
                    .until(() -> serverId(client, messageId), Optional::isPresent)
                    .orElseThrow();
            EmailId email = process.database.email(account, "jmap:" + id, messageId);
            process.database.link(account, email, inbox, 0, 0);
            return email;
        }
    }

    @Test
    void work_of_a_process_that_was_halted_before_it_stored_the_outcomes_is_not_done_twice() {
        // Given
        String toArchive = "{\"mailboxIds\": {\"" + archive.value() + "\": true";
        List<MutationId> mutations = List.of(
                process.database.mutation(account, newEmail(), "{\"keywords\": {\"a\": true}}"),
                process.database.mutation(account, newEmail(), toArchive + "}}"),
                process.database.mutation(account, newEmail(), toArchive + ", \"" + inbox.value() + "\": null}}"),
                process.database.destroy(account, newEmail()));
        var claim = process.transactions()
                .run(account.tenant(), connection -> new PendingChangesTable("halted").claim(connection, account.id()));
        ServerSnapshot snapshot = process.transactions()
                .run(account.tenant(), connection -> new ServerSnapshotTables().read(connection, account.id(), claim));
        AccountTable.Login login = process.transactions()
                .run(account.tenant(), connection -> new AccountTable().login(connection, account.id()))
                .orElseThrow();
        MailServers.Use use = process.servers.use(account.tenant(), account.id(), login);
        process.transactions()
                .run(
                        account.tenant(),
                        connection -> new PendingChangesTable("halted").markSent(connection, account.id(), mutations));
        use.server().apply(Fold.fold(claim.mutations()), snapshot, Mutations.heldClaim());
        assertThat(messages("INBOX")).isEqualTo(2);
        assertThat(messages("Archive")).isEqualTo(2);
        process.database.run("update pending_changes set claimed_until = now() - interval '1 second'");

        // When
        process.flush(account);

        // Then
        assertThat(mutations).extracting(process.database::row).containsOnly(new TestDatabase.Row("applied", 2, null));
        assertThat(messages("INBOX")).isEqualTo(2);
        assertThat(messages("Archive")).isEqualTo(2);
    }

    private EmailId newEmail() {
        long uid = append();
        return storedEmail(uid, messageId(uid));
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
                        TestEgress.toThisMachine(process.vertx()),
                        new AccountSettings.Jmap(user, james.sessionUrl()),
                        new Credential.Password(new Secret(PASSWORD)),
                        JmapOptions.DEFAULTS)
                .await()
                .atMost(WAIT);
    }
}
