package org.postbus.outbound.imap;

import java.util.List;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.outbound.imap.plan.ImapMailboxPlan;
import org.postbus.outbound.imap.plan.ImapPlan;
import org.postbus.outbound.imap.plan.ImapPlan.Abilities;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.MailServer;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.ServerSnapshot;

/** Applies mutations over one IMAP connection: {@link ImapPlan} decides the commands, {@link MailboxRun} executes them in each mailbox. */
public final class ImapMailServer implements MailServer {
    private final ImapConnection imap;
    private final BlockingConnection connection;
    private boolean open = true;

    private ImapMailServer(ImapConnection imap) {
        this.imap = imap;
        this.connection = new BlockingConnection(imap);
    }

    /** @throws ServerException if the server cannot be reached or refuses the login */
    public static ImapMailServer open(ImapClient client, AccountSettings.Imap settings, Credential credential) {
        return new ImapMailServer(Await.uninterruptibly(
                client.open(settings.imap(), settings.username(), credential),
                BlockingConnection.COMMAND_TIME_MAX,
                ServerException::unreachable));
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            imap.logout().subscribe().with(done -> {}, failure -> {});
        }
    }

    @Override
    public Answers apply(List<FoldedMutation> mutations, ServerSnapshot snapshot, HeldClaim claim) {
        var abilities = new Abilities(
                imap.capabilities().has("MOVE"),
                imap.capabilities().has("UIDPLUS") || imap.capabilities().has("IMAP4REV2"),
                imap.capabilities().has("X-GM-EXT-1"));
        ImapPlan plan = ImapPlan.of(mutations, snapshot, abilities);
        var progress = new PlanProgress(mutations, plan);
        Optional<ServerFailure> lost = Optional.empty();
        try {
            for (MailboxWork work : plan.work()) {
                new MailboxRun(connection, work, progress, snapshot, claim).run();
            }
        } catch (ServerException e) {
            abandon();
            lost = Optional.of(e.failure());
        }
        return new Answers(progress.answers(), lost, progress.isChanging());
    }

    @Override
    public Answer apply(MailboxMutation mutation, ServerSnapshot snapshot, HeldClaim claim) {
        try {
            String prefix = connection
                    .await(imap.namespace())
                    .flatMap(namespaces -> namespaces.personal().stream().findFirst())
                    .map(Namespaces.Namespace::prefix)
                    .orElse("");
            var plan = new ImapMailboxPlan(connection.await(imap.list()), prefix, imap::nameOf);
            return execute(plan.step(mutation, snapshot), claim);
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected) {
                return new Answer.Failed(e.failure());
            }
            abandon();
            throw e;
        }
    }

    private Answer execute(ImapMailboxPlan.Step step, HeldClaim claim) {
        claim.confirm();
        switch (step) {
            case ImapMailboxPlan.Step.Settled(var answer) -> {
                return answer;
            }
            case ImapMailboxPlan.Step.Create(var name) -> {
                connection.await(imap.create(name));
                subscribe(name);
            }
            case ImapMailboxPlan.Step.Rename(var from, var to) -> {
                connection.unselect();
                connection.await(imap.rename(from, to));
                subscribe(to);
            }
            case ImapMailboxPlan.Step.Delete(var name, var onlyIfEmpty) -> {
                connection.unselect();
                if (onlyIfEmpty
                        && connection.await(imap.status(name)).messages().orElse(1) > 0) {
                    return new Answer.Failed(
                            new ServerFailure.Rejected("mailboxHasEmail", "there are emails in the mailbox"));
                }
                connection.await(imap.delete(name));
            }
        }
        return Answer.DONE;
    }

    /** The mailbox has been created or renamed even if the server refuses to subscribe to it. */
    private void subscribe(MailboxName name) {
        try {
            connection.await(imap.subscribe(name));
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
        }
    }

    /** Closes the connection without LOGOUT: it is broken or out of step. */
    private void abandon() {
        open = false;
        imap.close();
    }
}
