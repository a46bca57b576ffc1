package org.postbus.outbound;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.postbus.account.Secret;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.outbound.TestDatabase.Account;
import org.postbus.outbound.submission.SubmissionFlusher;
import org.postbus.outbound.submission.SubmissionServer;
import org.postbus.outbound.submission.SubmissionServers;
import org.postbus.topic.AccountRecord;

/** The outbound side as one process has it, on a database of its own, with a list in place of {@code postbus.accounts}. */
final class OutboundSide implements AutoCloseable {
    final TestDatabase database = new TestDatabase();
    final List<AccountRecord> published = new CopyOnWriteArrayList<>();
    final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    final MailServers servers;
    final MutationFlusher flusher;

    private final Vertx vertx = Vertx.vertx();
    private final ImapClient imap = new ImapClient(vertx, ImapOptions.DEFAULT);
    private final CredentialCipher cipher;
    private final SubmissionServers submissionServers;
    private final TenantTransactions transactions = database.transactions(vertx);

    OutboundSide() {
        try {
            Path keyset = Files.createTempDirectory("postbus-outbound-test-").resolve("keyset.json");
            CredentialCipher.createKeysetFile(keyset);
            cipher = CredentialCipher.fromKeysetFile(keyset);
            Files.delete(keyset);
            Files.delete(keyset.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        servers = new MailServers(vertx, imap);
        submissionServers = new SubmissionServers(vertx, imap, cipher, Optional.empty());
        flusher = process("one");
    }

    /** Another process, on the same database and with the same connections. */
    MutationFlusher process(String name) {
        return new MutationFlusher(
                vertx,
                transactions,
                new PendingChangesTable(name),
                cipher,
                servers,
                wakes(),
                new OutboundMetrics(registry),
                () -> 0);
    }

    private WakePublisher wakes() {
        return new WakePublisher(transactions, new AccountTable(), record -> {
            published.add(record);
            return Uni.createFrom().voidItem();
        });
    }

    /** A process that sends, on the same database. */
    SubmissionFlusher sendingProcess(String name, UnaryOperator<SubmissionServer> around) {
        return new SubmissionFlusher(
                vertx,
                transactions,
                name,
                (tenant, account, login, sent) -> around.apply(submissionServers.open(tenant, account, login, sent)),
                wakes(),
                new OutboundMetrics(registry),
                () -> 0);
    }

    Vertx vertx() {
        return vertx;
    }

    TenantTransactions transactions() {
        return transactions;
    }

    void password(Account account, Secret password) {
        database.password(account, cipher, password);
    }

    /** Until nothing is due. */
    void flush(Account account) {
        int rounds = 0;
        while (flusher.flush(account.tenant(), account.id())) {
            if (++rounds > 100) {
                throw new AssertionError("the flush does not come to an end");
            }
        }
    }

    double count(String outcome) {
        var counter =
                registry.find("postbus.outbound.wishes").tag("outcome", outcome).counter();
        return counter == null ? 0 : counter.count();
    }

    @Override
    public void close() throws SQLException {
        servers.close();
        submissionServers.close();
        database.close();
        imap.close().await().indefinitely();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
