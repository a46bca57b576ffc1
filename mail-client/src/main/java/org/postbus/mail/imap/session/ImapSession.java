package org.postbus.mail.imap.session;

import java.util.List;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.ImapViolation;
import org.postbus.mail.imap.framing.LiteralRules;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapEncoder;
import org.postbus.mail.imap.grammar.response.ImapResponse;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;
import org.postbus.mail.imap.grammar.response.ResponseCode;

/**
 * The conversation with the server as a state machine: which command is in progress, what of it may be sent, and which
 * response belongs to it. One command at a time, so that it is always clear which command a response answers; some servers
 * also mix up the answers otherwise.
 *
 * <p>Pure: it returns octets to send and things to report, and waits for nothing. One thread calls it; what is read by other
 * threads says so.
 */
public final class ImapSession {
    /** The most changes that are kept until they are taken. */
    public static final int CHANGES_MAX = 10_000;
    /** About the most bytes of memory that they take. */
    public static final int CHANGES_BYTES_MAX = 2 << 20;

    private final SessionLimits limits;
    private final ServerProfile server = new ServerProfile();
    private final CommandInProgress progress = new CommandInProgress();
    private final AnswerBudget budget;
    private final MailReports reports;
    private final StrayLines strayLines = new StrayLines();
    private volatile ImapSessionState state = new ImapSessionState.Greeting();
    /** About the memory that the response takes that is handled now. */
    private long bytes;

    public ImapSession(SessionLimits limits) {
        this.limits = limits;
        this.budget = new AnswerBudget(limits);
        this.reports = new MailReports(budget, this::keep);
    }

    /** Read by any thread. */
    public ImapSessionState state() {
        return state;
    }

    /** Read by any thread. */
    public ServerProfile server() {
        return server;
    }

    /** Read by any thread. */
    public MailboxChanges changes() {
        return reports.changes();
    }

    /** Read by any thread. */
    public AccountChanges accountChanges() {
        return reports.accountChanges();
    }

    /** Whether NOTIFY is in force: the server reports changes of all mailboxes unasked. Read by any thread. */
    public boolean notifying() {
        return reports.notifying();
    }

    /** How many messages the selected mailbox has by what was reported so far, or -1. Read by any thread. */
    public long messages() {
        return reports.messages();
    }

    /** How many lines came that are no response. Read by any thread. */
    public long strayLines() {
        return strayLines.count();
    }

    /** Whether there are changes that have not been taken. Read by any thread. */
    public boolean hasChanges() {
        return !changes().isEmpty() || !accountChanges().isEmpty();
    }

    /** Whether a command is in progress. */
    public boolean busy() {
        return progress.busy();
    }

    /** Whether the server has the whole command, so that it may have executed it. */
    public boolean sentWhole() {
        return progress.sentWhole();
    }

    /** Whether the server owes no answer, however long it is silent: it idles. */
    public boolean idling() {
        return progress.idling();
    }

    /** What literals the server may send now: those that the command in progress asks for. */
    public LiteralRules literals() {
        return busy() ? AskedLiterals.of(progress.command(), limits) : AskedLiterals.none(limits);
    }

    /** About how many bytes of memory the responses take that are kept, and the changes that have not been taken. */
    public long heldBytes() {
        return budget.keptBytes() + changes().bytes() + accountChanges().bytes();
    }

    /**
     * Sends a command.
     *
     * @throws IllegalStateException if one is in progress, or it needs a mailbox and none is selected
     * @throws IllegalArgumentException if it holds what no command may hold; then nothing has happened
     */
    public List<SessionOutput> begin(ImapCommand next) {
        if (busy()) {
            throw new IllegalStateException("a command is in progress");
        }
        if (next instanceof ImapCommand.OnMailbox && !(state instanceof ImapSessionState.Selected)) {
            throw new IllegalStateException("no mailbox is selected");
        }
        progress.begin(next, server.capabilities());
        server.commandBegins();
        reports.begin(next, state instanceof ImapSessionState.Selected);
        if (next instanceof ImapCommand.Selects) {
            // RFC 9051 section 6.3.2: even if SELECT fails, the mailbox before it is no longer selected.
            state = new ImapSessionState.Authenticated();
        }
        return List.of(progress.sendPart());
    }

    /** Ends IDLE: at once, or as soon as the server has begun it (RFC 2177: DONE only after the continuation). */
    public List<SessionOutput> endIdle() {
        return progress.endIdle();
    }

    /** Goes on with AUTHENTICATE. */
    public List<SessionOutput> respond(byte[] response) {
        return List.of(new SessionOutput.Send(ImapEncoder.saslLine(response)));
    }

    /** Ends AUTHENTICATE. RFC 9051 section 6.2.2: the server then answers BAD. */
    public List<SessionOutput> cancelLogin() {
        return List.of(new SessionOutput.Send(new byte[] {'*', '\r', '\n'}));
    }

    /** No command is sent for a while: responses are reports from now on. */
    public void listen() {
        budget.listen();
    }

    /** The connection has ended: drops the responses kept for the command in progress. */
    public void release() {
        progress.dropKept();
        budget.end();
    }

    /** A chunk of a literal that is passed on. */
    public List<SessionOutput> receive(ImapFramer.LiteralPart part) {
        return List.of(new SessionOutput.Deliver(part));
    }

    /**
     * @param octets what the response took on the connection
     * @throws ImapViolation if a limit is exceeded
     */
    public List<SessionOutput> receive(ImapResponse response, long octets) {
        bytes = KeptBytes.of(response, octets);
        List<SessionOutput> outputs = outputs(response);
        if (outputs.isEmpty() || !(outputs.getFirst() instanceof SessionOutput.Deliver)) {
            budget.countUndelivered();
        } else {
            budget.countDelivered();
        }
        return outputs;
    }

    private List<SessionOutput> outputs(ImapResponse response) {
        if (state instanceof ImapSessionState.Greeting) {
            return greeting(response);
        }
        if (strayLines.isStray(response)) {
            return List.of();
        }
        return switch (response) {
            case ImapResponse.Continuation(var text) -> continuation(text);
            case ImapResponse.Tagged tagged -> tagged(tagged);
            case ImapResponse.Status status -> status(status);
            case ImapResponse.Capability(var reported) -> {
                server.reported(reported);
                yield List.of();
            }
            case ImapResponse.Enabled(var names) -> {
                server.enabled(names);
                yield List.of();
            }
            case ImapResponse.Listed listed -> reports.listed(listed, bytes);
            case ImapResponse.MailboxStatusReported reported -> reports.status(reported, bytes);
            case ImapResponse.Namespace r -> kept(r);
            case ImapResponse.Found r -> kept(r);
            case ImapResponse.Id r -> kept(r);
            case ImapResponse.Flags r -> List.of();
            case ImapResponse.Recent r -> List.of();
            case ImapResponse.Unknown r -> List.of();
            case ImapResponse.Exists exists -> reports.exists(exists, bytes);
            case ImapResponse.Expunge expunge -> reports.expunged(expunge, bytes);
            case ImapResponse.Vanished vanished -> reports.vanished(vanished, bytes);
            case ImapResponse.Fetch fetch -> reports.fetched(fetch, bytes);
            case ImapResponse.FetchWithoutUid fetch -> reports.fetchedWithoutUid(fetch, bytes);
        };
    }

    private List<SessionOutput> greeting(ImapResponse response) {
        if (!(response instanceof ImapResponse.Status(var condition, var code, var text))) {
            return end(notImap());
        }
        code.ifPresent(this::noteCapabilities);
        return switch (condition) {
            case OK -> {
                state = new ImapSessionState.NotAuthenticated();
                yield List.of(new SessionOutput.Greeted());
            }
            case PREAUTH -> {
                state = new ImapSessionState.Authenticated();
                yield List.of(new SessionOutput.Greeted());
            }
            case BYE -> end(ImapFailures.ofBye(code, text));
            case NO, BAD -> end(notImap());
        };
    }

    /** Without the server's text: what another protocol says is not shown. */
    private static ServerFailure notImap() {
        return new ServerFailure.Unreachable("the server speaks another protocol (not IMAP)");
    }

    private List<SessionOutput> continuation(String text) {
        if (progress.waitsForContinuation()) {
            return List.of(progress.sendPart());
        }
        if (progress.beginsToIdle()) {
            return progress.idleBegun();
        }
        return progress.command() instanceof ImapCommand.Authenticate
                ? List.of(new SessionOutput.Challenged(text))
                : List.of();
    }

    private List<SessionOutput> tagged(ImapResponse.Tagged tagged) {
        if (!progress.hasTag(tagged.tag())) {
            return end(new ServerFailure.Unreachable("the server answered a command that was not sent"));
        }
        boolean done = tagged.condition() == Condition.OK;
        tagged.code().ifPresent(this::noteCapabilities);
        ImapAnswer answer = progress.end(tagged);
        budget.end();
        reports.end(done);
        if (!done) {
            return List.of(new SessionOutput.Answered(answer));
        }
        state = stateAfter(answer.command());
        if (answer.command() instanceof ImapCommand.LogsIn) {
            server.loggedIn();
        }
        if (answer.command() instanceof ImapCommand.Enable(var names)) {
            server.enableAccepted(names);
        }
        if (answer.command() instanceof ImapCommand.Id) {
            server.identified(answer.id());
        }
        return answer.command() instanceof ImapCommand.Resync resync
                ? List.of(
                        new SessionOutput.Deliver(reports.resynced(resync, answer.selected(resync))),
                        new SessionOutput.Answered(answer))
                : List.of(new SessionOutput.Answered(answer));
    }

    private ImapSessionState stateAfter(ImapCommand done) {
        if (done instanceof ImapCommand.LogsIn || done instanceof ImapCommand.Unselect) {
            return new ImapSessionState.Authenticated();
        }
        if (done instanceof ImapCommand.Selects selects) {
            return new ImapSessionState.Selected(selects.name(), selects.readOnly());
        }
        return done instanceof ImapCommand.Logout ? new ImapSessionState.Logout() : state;
    }

    private List<SessionOutput> status(ImapResponse.Status status) {
        if (status.condition() == Condition.BYE) {
            return progress.command() instanceof ImapCommand.Logout
                    ? List.of()
                    : end(ImapFailures.ofBye(status.code(), status.text()));
        }
        if (status.code().isEmpty()) {
            return List.of();
        }
        ResponseCode code = status.code().get();
        noteCapabilities(code);
        if (code instanceof ResponseCode.Other(var name, var arguments) && name.equals("NOTIFICATIONOVERFLOW")) {
            return reports.notificationOverflow(bytes);
        }
        if (code instanceof ResponseCode.Closed && progress.command() instanceof ImapCommand.Selects) {
            progress.dropKept();
            budget.dropKept();
            reports.otherMailboxClosed();
            return List.of();
        }
        return kept(status);
    }

    private void noteCapabilities(ResponseCode code) {
        if (code instanceof ResponseCode.Capability(var reported)) {
            server.reported(reported);
        }
    }

    private List<SessionOutput> kept(ImapResponse response) {
        keep(response);
        return List.of();
    }

    private void keep(ImapResponse response) {
        if (busy()) {
            budget.countKept(bytes);
            progress.keep(response);
        }
    }

    private List<SessionOutput> end(ServerFailure why) {
        state = new ImapSessionState.Logout();
        return List.of(new SessionOutput.Ended(why));
    }
}
