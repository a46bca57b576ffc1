package org.postbus.bench.stage;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.postbus.account.Secret;
import org.postbus.bench.measure.ProcessUse;
import org.postbus.bench.options.Protocol;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/** One user's account on the mail server of a benchmark. */
public sealed interface MailServer extends AutoCloseable {
    String HOST = "127.0.0.1";

    String name();

    String user();

    Secret password();

    /** The port without TLS. */
    int imapPort();

    long pid();

    /** Peak resident memory since the start; for a server of many processes the current one. In bytes. */
    long memoryBytes();

    /** The FETCH items of extensions that the fetcher requests from this server. */
    String imapItems();

    AccountId add(PostbusApi api, Protocol protocol);

    @Override
    void close();

    default RawImap logIn() {
        return RawImap.login(HOST, imapPort(), user(), password().reveal());
    }

    /** James is closed by {@link LocalPostbus}. */
    public record OfJames(James james, James.User account) implements MailServer {
        @Override
        public String name() {
            return "James";
        }

        @Override
        public String user() {
            return account.address();
        }

        @Override
        public Secret password() {
            return account.password();
        }

        @Override
        public int imapPort() {
            return james.ports().imap();
        }

        public URI sessionUrl() {
            return james.sessionUrl();
        }

        @Override
        public long pid() {
            return james.pid();
        }

        @Override
        public long memoryBytes() {
            return ProcessUse.peakBytes(pid());
        }

        @Override
        public String imapItems() {
            return "MODSEQ EMAILID THREADID";
        }

        @Override
        public AccountId add(PostbusApi api, Protocol protocol) {
            return switch (protocol) {
                case IMAP -> api.addImapAccount(james, account);
                case JMAP -> api.addJmapAccount(james, account);
            };
        }

        @Override
        public void close() {}
    }

    /** IMAP only. */
    public record OfDovecot(Dovecot dovecot, Dovecot.User account) implements MailServer {
        private static final Dovecot.User ALICE = Dovecot.User.of("alice@example.com", "bench-password");

        /** @throws IllegalStateException naming the package to install, if Dovecot is not installed */
        public static OfDovecot start(Path log) {
            return start(List.of(), log);
        }

        /** @param others further users of the server */
        public static OfDovecot start(List<Dovecot.User> others, Path log) {
            List<Dovecot.User> users = new ArrayList<>(others);
            users.add(ALICE);
            return new OfDovecot(Dovecot.start(new Dovecot.Settings(users, Set.of(), log)), ALICE);
        }

        @Override
        public String name() {
            return "Dovecot";
        }

        @Override
        public String user() {
            return account.name();
        }

        @Override
        public Secret password() {
            return account.password();
        }

        @Override
        public int imapPort() {
            return dovecot.ports().imap();
        }

        @Override
        public long pid() {
            return dovecot.pid();
        }

        @Override
        public long memoryBytes() {
            return ProcessUse.residentBytes(pid());
        }

        @Override
        public String imapItems() {
            return "MODSEQ";
        }

        @Override
        public AccountId add(PostbusApi api, Protocol protocol) {
            return api.addImapAccount(HOST, imapPort(), user(), password());
        }

        @Override
        public void close() {
            dovecot.close();
        }
    }
}
