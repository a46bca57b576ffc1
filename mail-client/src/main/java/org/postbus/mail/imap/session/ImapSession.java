package org.postbus.mail.imap.session;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.ImapViolation;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapEncoder;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;
import org.postbus.mail.imap.grammar.response.ImapResponse;
import org.postbus.mail.imap.grammar.response.ResponseCode;

/**
 * The conversation: which command is out, what of it may be sent, which response belongs to it and which is news about the
 * mailbox. One command at a time: answers need no guessing whose they are, and servers exist that lose their place
 * otherwise. Pure: octets to send and things to report are returned, nothing waits.
 */
public final class ImapSession {

    /** What is to be done now. */
    public sealed interface Output {
        record Send(byte[] octets) implements Output {}

        /** An item of the {@link ImapCommand.Streams} that is out. */
        record Deliver(Object item) implements Output {}

        /** The server has greeted: OK or PREAUTH. */
        record Greeted() implements Output {}

        /** The server goes on with {@link ImapCommand.Authenticate}: {@link #respond} or {@link #cancelLogin} is due. */
        record Challenged(String challenge) implements Output {}

        /** The command is answered; the next one may begin. */
        record Answered(ImapAnswer answer) implements Output {}

        /** The server said something of the mailbox or the account while nothing else was going on. */
        record Stirred() implements Output {}

        /** The server ends the conversation. */
        record Ended(ServerFailure why) implements Output {}
    }

    /** The most changes that are held. */
    public static final int CHANGES_MAX = 10_000;
    /** The most octets that the changes that are held took on the connection. */
    public static final int CHANGES_OCTETS_MAX = 4 << 20;

    private static final int ENABLED_MAX = 100;
    private static final long NEWS_MAX = 1_000_000;

    private final SessionLimits limits;
    private final MailboxChanges changes =
            new MailboxChanges(CHANGES_MAX, CHANGES_OCTETS_MAX);

    private final AccountChanges accountChanges =
            new AccountChanges(CHANGES_MAX, CHANGES_OCTETS_MAX);

    private volatile ImapSessionState state = new ImapSessionState.Greeting();
    private volatile Capabilities capabilities = Capabilities.NONE;
    private volatile Set<String> enabled = Set.of();
    private volatile boolean notifying;
    private boolean capabilitiesKnown;
    private boolean toldSinceBegin;
    private int tagsUsed;
    /** EXISTS as last told, less what was expunged since; -1 if not known. */
    private volatile long messages = -1;

    private ImapCommand command;
    private String tag = "";
    private List<byte[]> parts = List.of();
    private int partsSent;
    private boolean idling;
    private boolean doneWanted;
    /** A mailbox was selected before and the server has not said that it is closed: what it says may belong to that one. */
    private boolean otherMailbox;
    /** Nothing came in answer to {@link ImapCommand.Resync} that we could not pass on. */
    private boolean allUnderstood;

    private List<ImapResponse> untagged = new ArrayList<>();
    /** Of {@link #untagged}, as they came. */
    private long untaggedOctets;
    /** Of the response that is being looked at. */
    private long octets;

    private int undelivered;
    private long delivered;
    private boolean contentSeen;
    /** What {@link #messages} has been at most since the command began; -1 if not known. */
    private long mostMessages = -1;

    public ImapSession(SessionLimits limits) {
        this.limits = limits;
    }

    public ImapSessionState state() {
        return state;
    }

    public Capabilities capabilities() {
        return capabilities;
    }

    /** False before the server told them, and after {@link #forgetCapabilities}. */
    public boolean capabilitiesKnown() {
        return capabilitiesKnown;
    }

    /** What was said before TLS, or before the login, may not hold after it (RFC 9051 sections 6.2.1 and 6.2.2). */
    public void forgetCapabilities() {
        capabilities = Capabilities.NONE;
        capabilitiesKnown = false;
    }

    public Set<String> enabled() {
        return enabled;
    }

    public MailboxChanges changes() {
        return changes;
    }

    public AccountChanges accountChanges() {
        return accountChanges;
    }

    /** Whether NOTIFY is in force: the server speaks of all mailboxes by itself. */
    public boolean notifying() {
        return notifying;
    }

    /** How many messages the selected mailbox has by what was said so far, or -1. */
    public long messages() {
        return messages;
    }

    /** Whether there are changes that nobody has taken. */
    public boolean hasNews() {
        return !changes.isEmpty() || !accountChanges.isEmpty();
    }

    public boolean busy() {
        return command != null;
    }

    /** Whether the server has the whole command, so that it may have done it. */
    public boolean sentWhole() {
        return partsSent == parts.size();
    }

    /** Whether the server owes us nothing, however long it is silent. */
    public boolean idling() {
        return idling && !doneWanted;
    }

    public int literalOctetsMax() {
        return command instanceof ImapCommand.UidFetch ? limits.fetchedLiteralOctetsMax() : limits.literalOctetsMax();
    }

    /** Of the command that is out: whether the literal announced at the end of the text is the content it asks for. */
    public boolean streams(byte[] text, int length) {
        if (!(command instanceof ImapCommand.UidFetchSection(var uid, var section))) {
            return false;
        }
        int end = length - 1;
        while (end > 0 && text[end] != '{') {
            end--;
        }
        if (end > 0 && text[end - 1] == '~') {
            end--;
        }
        while (end > 0 && text[end - 1] == ' ') {
            end--;
        }
        int from = end;
        while (from > 0 && text[from - 1] != ' ' && text[from - 1] != '(') {
            from--;
        }
        String item = new String(text, from, end - from, StandardCharsets.ISO_8859_1).toUpperCase(Locale.ROOT);
        return item.substring(0, item.lastIndexOf(']') + 1)
                .replace(".PEEK[", "[")
                .equals(section.itemName());
    }

    /** A portion of what {@link #streams}. */
    public List<Output> receive(ImapFramer.LiteralPart part) {
        return List.of(new Output.Deliver(part));
    }

    /**
     * Sends a command.
     *
     * @throws IllegalStateException if one is out, or it needs a mailbox and none is selected
     * @throws IllegalArgumentException if it holds what no command may hold; then nothing has happened
     */
    public List<Output> begin(ImapCommand next) {
        if (busy()) {
            throw new IllegalStateException("a command is out");
        }
        if (next instanceof ImapCommand.OnMailbox && !(state instanceof ImapSessionState.Selected)) {
            throw new IllegalStateException("no mailbox is selected");
        }
        String nextTag = "A" + (tagsUsed + 1);
        parts = ImapEncoder.encode(nextTag, next, capabilities).parts();
        tagsUsed++;
        command = next;
        tag = nextTag;
        partsSent = 0;
        idling = false;
        doneWanted = false;
        toldSinceBegin = false;
        untagged = new ArrayList<>();
        untaggedOctets = 0;
        undelivered = 0;
        delivered = 0;
        contentSeen = false;
        mostMessages = messages;
        if (next instanceof ImapCommand.Selects) {
            mostMessages = -1;
            otherMailbox = state instanceof ImapSessionState.Selected;
            allUnderstood = true;
            changes.clear();
            messages = -1;
            // RFC 9051 section 6.3.2: whatever becomes of SELECT, the mailbox before it is no longer selected.
            state = new ImapSessionState.Authenticated();
        }
        return List.of(sendPart());
    }

    private Output sendPart() {
        return new Output.Send(parts.get(partsSent++));
    }

    /** Ends IDLE: at once, or as soon as the server has begun it (RFC 2177: DONE only after the continuation). */
    public List<Output> endIdle() {
        if (!(command instanceof ImapCommand.Idle) || doneWanted) {
            return List.of();
        }
        doneWanted = true;
        return idling ? List.of(done()) : List.of();
    }

    private static Output done() {
        return new Output.Send(new byte[] {'D', 'O', 'N', 'E', '\r', '\n'});
    }

    /** The connection has ended: forgets what was said to the command that was out. */
    public void release() {
        untagged = new ArrayList<>();
    }

    /** No command is sent for a while: what comes from now on is news. */
    public void listen() {
        undelivered = 0;
    }

    /**
     * @param octets what the response took on the wire
     * @throws ImapViolation if a limit is exceeded
     */
    public List<Output> receive(ImapResponse response, long octets) {
        this.octets = octets;
        List<Output> outputs = outputs(response);
        if (outputs.isEmpty() || !(outputs.getFirst() instanceof Output.Deliver)) {
            undelivered++;
            if (undelivered > undeliveredMax()) {
                throw new ImapViolation("more than " + undeliveredMax() + " responses to one command");
            }
        } else {
            delivered++;
            if (delivered > deliveredMax()) {
                throw new ImapViolation("more than " + deliveredMax() + " messages in answer to one command");
            }
        }
        return outputs;
    }

    /** A command on many messages, or another client's, may be answered with some responses for each. */
    private long undeliveredMax() {
        return limits.responsesMax() + Math.min(4 * Math.max(0, mostMessages), NEWS_MAX);
    }

    /** A message may come more than once, and some more while they arrive; but not for ever. */
    private long deliveredMax() {
        return mostMessages < 0 ? limits.responsesMax() : 1000 + 4 * mostMessages;
    }

    private List<Output> outputs(ImapResponse response) {
        if (state instanceof ImapSessionState.Greeting) {
            return greeting(response);
        }
        return switch (response) {
            case ImapResponse.Continuation(var text) -> continuation(text);
            case ImapResponse.Tagged tagged -> tagged(tagged);
            case ImapResponse.Status status -> status(status);
            case ImapResponse.Capability(var told) -> {
                told(told);
                yield List.of();
            }
            case ImapResponse.Enabled(var names) -> {
                if (enabled.size() + names.size() <= ENABLED_MAX) {
                    Set<String> all = new HashSet<>(enabled);
                    all.addAll(names);
                    enabled = Set.copyOf(all);
                }
                yield List.of();
            }
            case ImapResponse.Listed r -> listed(r);
            case ImapResponse.MailboxStatusReported r -> statusReported(r);
            case ImapResponse.Namespace r -> collect(r);
            case ImapResponse.Found r -> collect(r);
            case ImapResponse.Id r -> collect(r);
            case ImapResponse.Flags r -> List.of();
            case ImapResponse.Recent r -> List.of();
            case ImapResponse.Unknown r -> List.of();
            case ImapResponse.Exists r -> exists(r);
            case ImapResponse.Expunge(var number) -> {
                messages = Math.max(-1, messages - 1);
                allUnderstood = false;
                yield changed(new MailboxChange.Expunged(number));
            }
            case ImapResponse.Vanished vanished -> vanished(vanished);
            case ImapResponse.Fetch fetch -> fetch(fetch);
            case ImapResponse.FetchWithoutUid(var number, var flags, var modSeq) -> {
                allUnderstood = false;
                yield flags.map(set ->
                                changed(new MailboxChange.FlagsReported(number, OptionalLong.empty(), set, modSeq)))
                        .orElse(List.of());
            }
        };
    }

    private List<Output> listed(ImapResponse.Listed listed) {
        return !notifying || command instanceof ImapCommand.ListAll || command instanceof ImapCommand.ListSubscribed
                ? collect(listed)
                : changed(new AccountChange.Listed(ImapAnswer.mailbox(listed, Optional.empty()), listed.oldName()));
    }

    private List<Output> statusReported(ImapResponse.MailboxStatusReported reported) {
        boolean asked = command instanceof ImapCommand.ListAll
                || (command instanceof ImapCommand.Status status
                        && status.name().equals(reported.name()));
        return asked || !notifying
                ? collect(reported)
                : changed(new AccountChange.Dirty(reported.name(), reported.status()));
    }

    private List<Output> vanished(ImapResponse.Vanished vanished) {
        if (command instanceof ImapCommand.Resync) {
            return otherMailbox ? List.of() : List.of(new Output.Deliver(new Resynced.Vanished(vanished.uids().ranges())));
        }
        if (!vanished.earlier()) {
            messages = Math.max(-1, messages - vanished.uids().size());
        }
        return changed(new MailboxChange.Vanished(vanished.uids().ranges(), vanished.earlier()));
    }

    private List<Output> greeting(ImapResponse response) {
        if (!(response instanceof ImapResponse.Status(var condition, var code, var text))) {
            return end(new ServerFailure.Unreachable("the server's greeting is not IMAP"));
        }
        code.ifPresent(this::noteCode);
        return switch (condition) {
            case OK -> {
                state = new ImapSessionState.NotAuthenticated();
                yield List.of(new Output.Greeted());
            }
            case PREAUTH -> {
                state = new ImapSessionState.Authenticated();
                yield List.of(new Output.Greeted());
            }
            case BYE, NO, BAD -> end(ImapFailures.ofBye(code, text));
        };
    }

    public List<Output> respond(byte[] response) {
        return List.of(new Output.Send(ImapEncoder.saslLine(response)));
    }

    /** RFC 9051 section 6.2.2: the server then answers BAD. */
    public List<Output> cancelLogin() {
        return List.of(new Output.Send(new byte[] {'*', '\r', '\n'}));
    }

    private List<Output> continuation(String text) {
        if (partsSent < parts.size() && busy()) {
            return List.of(sendPart());
        }
        if (command instanceof ImapCommand.Idle && !idling) {
            idling = true;
            return doneWanted ? List.of(done()) : List.of();
        }
        if (command instanceof ImapCommand.Authenticate) {
            return List.of(new Output.Challenged(text));
        }
        return List.of();
    }

    private List<Output> tagged(ImapResponse.Tagged tagged) {
        if (!busy() || !tagged.tag().equals(tag)) {
            return end(new ServerFailure.Unreachable("the server answered a command that was not sent"));
        }
        boolean done = tagged.condition() == Condition.OK;
        tagged.code().ifPresent(this::noteCode);
        if (done && command instanceof ImapCommand.LogsIn && !toldSinceBegin) {
            forgetCapabilities();
        }
        if (done) {
            state = stateAfter(command);
        }
        if (done && command instanceof ImapCommand.NotifySet) {
            notifying = true;
        }
        if (done && command instanceof ImapCommand.NotifyNone) {
            notifying = false;
        }
        if (done && command instanceof ImapCommand.Enable(var names) && enabled.isEmpty()) {
            // One large server accepts ENABLE and leaves ENABLED out; HIGHESTMODSEQ shows later whether it meant it.
            enabled = Set.copyOf(names);
        }
        ImapAnswer answer = new ImapAnswer(command, tagged, List.copyOf(untagged));
        List<Output> outputs = done && command instanceof ImapCommand.Resync resync
                ? List.of(new Output.Deliver(resynced(resync, answer)), new Output.Answered(answer))
                : List.of(new Output.Answered(answer));
        command = null;
        parts = List.of();
        partsSent = 0;
        idling = false;
        doneWanted = false;
        untagged = new ArrayList<>();
        return outputs;
    }

    private Resynced resynced(ImapCommand.Resync command, ImapAnswer answer) {
        SelectedMailbox selected = answer.selected(command);
        boolean complete = allUnderstood
                && !otherMailbox
                && selected.uidValidity().equals(OptionalLong.of(command.since().uidValidity()))
                && selected.highestModSeq().orElse(0) >= command.since().modSeq();
        return new Resynced.Selected(selected, complete);
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

    private List<Output> status(ImapResponse.Status status) {
        if (status.condition() == Condition.BYE) {
            return command instanceof ImapCommand.Logout
                    ? List.of()
                    : end(ImapFailures.ofBye(status.code(), status.text()));
        }
        if (status.code().isEmpty()) {
            return List.of();
        }
        ResponseCode code = status.code().get();
        noteCode(code);
        if (code instanceof ResponseCode.Other(var name, var arguments) && name.equals("NOTIFICATIONOVERFLOW")) {
            List<Output> outputs = changed(new AccountChange.TooMany());
            notifying = false;
            return outputs;
        }
        if (code instanceof ResponseCode.Closed && command instanceof ImapCommand.Selects) {
            otherMailbox = false;
            allUnderstood = true;
            untagged = new ArrayList<>();
            untaggedOctets = 0;
            changes.clear();
            messages = -1;
            return List.of();
        }
        return collect(status);
    }

    private void noteCode(ResponseCode code) {
        if (code instanceof ResponseCode.Capability(var told)) {
            told(told);
        }
    }

    private void told(Capabilities told) {
        capabilities = told;
        capabilitiesKnown = true;
        toldSinceBegin = true;
    }

    private List<Output> exists(ImapResponse.Exists exists) {
        boolean news = exists.messages() != messages;
        messages = exists.messages();
        mostMessages = Math.max(mostMessages, messages);
        if (command instanceof ImapCommand.Selects) {
            return collect(exists);
        }
        return news ? changed(new MailboxChange.Exists(exists.messages())) : List.of();
    }

    private List<Output> fetch(ImapResponse.Fetch fetch) {
        FetchedMessage message = fetch.message();
        if (command instanceof ImapCommand.UidFetch(var uids, var items)
                && uids.contains(message.uid())
                && !(fetch.stateOnly() && asksForMoreThanState(items))) {
            return List.of(new Output.Deliver(message));
        }
        if (command instanceof ImapCommand.Resync) {
            allUnderstood &= message.flags().isPresent();
            return otherMailbox || message.flags().isEmpty()
                    ? List.of()
                    : List.of(new Output.Deliver(new Resynced.StateReported(
                            message.uid(), message.flags().get(), message.modSeq())));
        }
        if (command instanceof ImapCommand.UidFetchSection(var uid, var section)) {
            Optional<byte[]> content = fetch.sections().getOrDefault(section.itemName(), Optional.empty());
            if (content.isPresent()) {
                if (contentSeen) {
                    throw new ImapViolation("content twice in answer to one command");
                }
                contentSeen = true;
                return content(message.uid() == uid, content.get());
            }
        }
        if (command instanceof ImapCommand.UidStore store && store.uids().contains(message.uid())) {
            collect(fetch);
        }
        return message.flags()
                .map(flags -> changed(new MailboxChange.FlagsReported(
                        fetch.sequenceNumber(), OptionalLong.of(message.uid()), flags, message.modSeq())))
                .orElse(List.of());
    }

    private static List<Output> content(boolean wanted, byte[] content) {
        if (content == ImapFramer.STREAMED) {
            if (!wanted) {
                throw new ImapViolation("the content of another message");
            }
            return List.of();
        }
        return wanted
                ? List.of(new Output.Deliver(new ImapFramer.LiteralPart(content, 0, content.length, content.length)))
                : List.of();
    }

    private static boolean asksForMoreThanState(FetchItems items) {
        return items.items().stream()
                .anyMatch(item -> !(item instanceof FetchItem.Flags) && !(item instanceof FetchItem.ModSeq));
    }

    private List<Output> changed(MailboxChange change) {
        changes.add(change, octets);
        return stirred();
    }

    private List<Output> changed(AccountChange change) {
        accountChanges.add(change, octets);
        return stirred();
    }

    private List<Output> stirred() {
        boolean watching =
                command == null || command instanceof ImapCommand.Idle || command instanceof ImapCommand.Noop;
        return watching ? List.of(new Output.Stirred()) : List.of();
    }

    private List<Output> collect(ImapResponse response) {
        if (busy()) {
            untaggedOctets += octets;
            if (untaggedOctets > limits.answerOctetsMax()) {
                throw new ImapViolation("an answer of more than " + limits.answerOctetsMax() + " octets");
            }
            untagged.add(response);
        }
        return List.of();
    }

    private List<Output> end(ServerFailure why) {
        state = new ImapSessionState.Logout();
        return List.of(new Output.Ended(why));
    }
}
