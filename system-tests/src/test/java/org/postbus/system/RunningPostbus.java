package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.postbus.compare.ChangeFold;
import org.postbus.compare.ChangeSubscriber;
import org.postbus.compare.DatabaseState;
import org.postbus.compare.MailState;
import org.postbus.compare.ServerState;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawJmap;
import org.postbus.model.AccountId;
import org.postbus.setup.kafka.KafkaUser;

/**
 * All of Postbus as processes, with a mail server: started once and shared by all tests of this module. Each test uses its own users and
 * accounts; a test that kills a process restarts it.
 */
final class RunningPostbus {
    static final Duration SYNC_LIMIT = Duration.ofSeconds(90);
    /** Without push a change is found within 30 s; the rest is for a machine that is busy with other tests. */
    static final Duration CHANGE_LIMIT = Duration.ofSeconds(90);

    private static final Duration CONVERGED_LIMIT = Duration.ofSeconds(180);
    private static final Instant FIRST_MESSAGE = Instant.parse("2025-01-01T00:00:00Z");
    private static RunningPostbus instance;

    final Path directory = Path.of("target", "postbus").toAbsolutePath();
    final LocalPostbus postbus;
    final PostbusApi api;
    final ChangeSubscriber subscriber;

    private RunningPostbus() {
        Directories.delete(directory);
        // Without a user James would not be started.
        postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.temporary(directory, List.of(James.User.of("first", "secret"))),
                System.out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(postbus::close, "close"));
        postbus.start();
        api = new PostbusApi(postbus.api(), postbus.apiKey().text());
        subscriber = new ChangeSubscriber(postbus.kafka().connectionOf(KafkaUser.SUBSCRIBER));
    }

    static synchronized RunningPostbus get() {
        if (instance == null) {
            instance = new RunningPostbus();
        }
        return instance;
    }

    enum Protocol {
        IMAP,
        JMAP
    }

    /** An account of Postbus and its user on the mail server. */
    record Account(AccountId id, Protocol protocol, James.User user) {
        String path() {
            return "accounts/" + id;
        }
    }

    /** Creates a user of the mail server. */
    James.User user(String name) {
        James.User user = James.User.of(name, "secret-of-" + name);
        postbus.james().addUser(user);
        return user;
    }

    Account add(Protocol protocol, James.User user) {
        AccountId id =
                switch (protocol) {
                    case IMAP -> api.addImapAccount(postbus.james(), user);
                    case JMAP -> api.addJmapAccount(postbus.james(), user);
                };
        return new Account(id, protocol, user);
    }

    RawImap imap(James.User user) {
        return RawImap.login(
                James.HOST,
                postbus.james().ports().imap(),
                user.address(),
                user.password().reveal());
    }

    RawJmap jmap(James.User user) {
        return RawJmap.login(
                postbus.james().sessionUrl(), user.address(), user.password().reveal());
    }

    Connection database() throws SQLException {
        return postbus.postgres().database().connectAsAdmin();
    }

    void fill(James.User user, String mailbox, long seed, int messages) {
        MailCorpus corpus = new MailCorpus(seed, user.address(), FIRST_MESSAGE);
        try (RawImap imap = imap(user)) {
            long before = imap.select(mailbox).exists();
            for (int i = 0; i < messages; i++) {
                MailCorpus.Mail mail = corpus.next();
                try {
                    imap.append(mailbox, mail.flags(), mail.date(), mail.raw());
                } catch (RawImap.RefusedException e) {
                    // A race in James: a mailbox in memory changes while another session reads its list.
                    if (imap.select(mailbox).exists() == before + i) {
                        imap.append(mailbox, mail.flags(), mail.date(), mail.raw());
                    }
                }
            }
        }
    }

    JsonNode sync(Account account) {
        return api.get(account.path()).expect(200).get("sync");
    }

    void awaitSynced(Account account) {
        await("initial sync of " + account.user().address())
                .atMost(SYNC_LIMIT)
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(
                        () -> assertThat(sync(account).get("state").asText()).isEqualTo("idle"));
    }

    long emailsInDatabase(Account account) {
        try (Connection connection = database();
                PreparedStatement count =
                        connection.prepareStatement("select count(*) from email where account_id = ?")) {
            count.setObject(1, account.id().value());
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    MailState onServer(Account account) {
        return switch (account.protocol()) {
            case IMAP -> {
                try (RawImap imap = imap(account.user())) {
                    yield ServerState.overImap(imap);
                }
            }
            case JMAP -> {
                try (RawJmap jmap = jmap(account.user())) {
                    yield ServerState.overJmap(jmap);
                }
            }
        };
    }

    /**
     * Waits until the database equals the server, no work is in progress, and the change log and the topic fold to the database. To be
     * called when no client makes further changes.
     */
    void awaitConverged(Account account) {
        api.post(account.path() + "/sync", null);
        await("convergence of " + account.user().address())
                .atMost(CONVERGED_LIMIT)
                .pollInterval(Duration.ofSeconds(1))
                .untilAsserted(() -> assertThat(differences(account)).isEmpty());
    }

    private List<String> differences(Account account) throws SQLException {
        List<String> found = new ArrayList<>();
        DatabaseState rows;
        try (Connection connection = database()) {
            rows = DatabaseState.read(connection, account.id());
        }
        try {
            found.addAll(MailState.differences(onServer(account), rows.mail()));
        } catch (RawJmap.RefusedException e) {
            // James sometimes refuses to read an email while it writes it.
            found.add("the server could not be read: " + e.getMessage());
        }
        found.addAll(rows.unfinished());
        found.addAll(rows.violations());
        found.addAll(rows.differencesFrom(rows.fold()));
        if (!found.isEmpty()) {
            return found;
        }
        // The topic lags behind the log while changes are being published.
        ChangeFold published = subscriber.state(account.id()).fold();
        found.addAll(subscriber.problems());
        if (published.seq() != rows.fold().seq()) {
            found.add("subscribers are at seq " + published.seq() + " of "
                    + rows.fold().seq());
        } else {
            found.addAll(rows.differencesFrom(published));
        }
        return found;
    }
}
