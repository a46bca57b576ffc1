package org.postbus.mail.imap.session;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.ServerFailure.AuthRejected;
import org.postbus.mail.ServerFailure.Conflict;
import org.postbus.mail.ServerFailure.OutcomeUnknown;
import org.postbus.mail.ServerFailure.Rejected;
import org.postbus.mail.ServerFailure.Throttled;
import org.postbus.mail.ServerFailure.Unreachable;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.response.ImapResponse;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;
import org.postbus.mail.imap.grammar.response.ResponseCode;

/**
 * The failure that a refusal means. Texts that ask for slowing down come first, because servers use them with any
 * code, even for a refused login; then the response code (RFC 5530); then, without a code, the text.
 */
public final class ImapFailures {
    private static final int TEXT_MAX = 300;

    private static final Pattern BACKOFF =
            Pattern.compile("suggested backoff time:?\\s*(\\d{1,12})\\s*(milliseconds|ms|seconds|s)?\\b");

    /** In lower case; each was observed on a real server. */
    private static final List<Pattern> SLOW_DOWN = List.of(
            Pattern.compile("throttl"),
            Pattern.compile("too many.{0,40}(connection|session|login|request|command)"),
            Pattern.compile("(maximum|max).{0,20}(number of )?(connection|session)"),
            Pattern.compile("(connection|session)s?.{0,20}(limit|exceeded)"),
            Pattern.compile("exceeded.{0,40}(bandwidth|rate limit|connection)"),
            Pattern.compile("rate limit"),
            Pattern.compile("user is authenticated but not connected"),
            Pattern.compile("try again later"),
            Pattern.compile("temporar(y|ily)"));

    private static final Pattern NOT_THERE =
            Pattern.compile("(mailbox|folder|destination).{0,60}(does ?n.t exist|does not exist|not found|unknown)"
                    + "|(no such|unknown|nonexist\\w*|non-exist\\w*) (mailbox|folder)");
    private static final Pattern GONE = Pattern.compile("no longer exist");

    private ImapFailures() {}

    /** Why the command failed, or empty if it was done, even if only for some of the messages. */
    public static Optional<ServerFailure> of(ImapCommand command, ImapResponse.Tagged answer) {
        return switch (answer.condition()) {
            case OK, PREAUTH -> Optional.empty();
            case NO, BAD, BYE -> partlyDone(command, answer) ? Optional.empty() : Optional.of(refusal(command, answer));
        };
    }

    /**
     * RFC 7162 section 3.1.3: NO with MODIFIED names the messages that were not changed; after "no longer exist" the
     * other messages were handled.
     */
    private static boolean partlyDone(ImapCommand command, ImapResponse.Tagged answer) {
        boolean byUid = command instanceof ImapCommand.UidFetch
                || command instanceof ImapCommand.UidFetchSection
                || command instanceof ImapCommand.UidStore
                || command instanceof ImapCommand.UidStoreLabels;
        boolean modified = command instanceof ImapCommand.UidStore
                && answer.code().filter(ResponseCode.Modified.class::isInstance).isPresent();
        // RFC 5530: some of the messages were expunged by another client; the others were handled.
        boolean reads = command instanceof ImapCommand.UidFetch || command instanceof ImapCommand.UidFetchSection;
        boolean expunged = reads
                && answer.condition() == Condition.NO
                && answer.code().map(ImapFailures::name).orElse("").equals("EXPUNGEISSUED");
        return modified
                || expunged
                || (byUid && GONE.matcher(lower(answer.text())).find());
    }

    private static ServerFailure refusal(ImapCommand command, ImapResponse.Tagged answer) {
        String condition = answer.condition().name();
        String text = forPeople(condition, answer.code(), answer.text());
        String lower = lower(answer.text());
        Optional<Duration> backoff = backoff(lower);
        if (backoff.isPresent() || asksToSlowDown(lower)) {
            return new Throttled(text, backoff);
        }
        String code = answer.code().map(ImapFailures::name).orElse("");
        return switch (code) {
            case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "WEBALERT" ->
                new AuthRejected(text);
            case "LIMIT", "INUSE" -> new Throttled(text, Optional.empty());
            // Servers answer so for a single message that they cannot read; the fetcher must be able to isolate it.
            case "UNAVAILABLE", "SERVERBUG" ->
                command instanceof ImapCommand.UidFetch || command instanceof ImapCommand.UidFetchSection
                        ? new Rejected(code, text)
                        : new Throttled(text, Optional.empty());
            case "MODIFIED" -> new Conflict(text);
            case "", "ALERT", "CONTACTADMIN" -> withoutCode(command, answer.condition(), code, lower, text);
            default -> new Rejected(code, text);
        };
    }

    private static ServerFailure withoutCode(
            ImapCommand command, Condition condition, String code, String lower, String text) {
        if (command instanceof ImapCommand.LogsIn && condition == Condition.NO) {
            return new AuthRejected(text);
        }
        if (NOT_THERE.matcher(lower).find()) {
            return new Rejected("NONEXISTENT", text);
        }
        if (lower.contains("quota")) {
            return new Rejected("OVERQUOTA", text);
        }
        return new Rejected(code.isEmpty() ? condition.name() : code, text);
    }

    /** The server closes the connection with BYE. */
    static ServerFailure ofBye(Optional<ResponseCode> code, String text) {
        String forPeople = forPeople("BYE", code, text);
        Optional<Duration> backoff = backoff(lower(text));
        return backoff.isPresent() || asksToSlowDown(lower(text))
                ? new Throttled(forPeople, backoff)
                : new Unreachable(forPeople);
    }

    /** The failure of a command when the connection ends, by whether the command had been sent whole. */
    public static ServerFailure ofLostConnection(ImapCommand command, boolean sentWhole, ServerFailure why) {
        return command instanceof ImapCommand.ChangesMail && sentWhole
                ? new OutcomeUnknown("no answer to " + command.getClass().getSimpleName() + ": " + why.text())
                : why;
    }

    private static boolean asksToSlowDown(String lower) {
        return SLOW_DOWN.stream().anyMatch(pattern -> pattern.matcher(lower).find());
    }

    private static Optional<Duration> backoff(String lower) {
        Matcher matcher = BACKOFF.matcher(lower);
        if (!matcher.find()) {
            return Optional.empty();
        }
        long number = Long.parseLong(matcher.group(1));
        boolean seconds = matcher.group(2) != null && matcher.group(2).startsWith("s");
        return Optional.of(seconds ? Duration.ofSeconds(number) : Duration.ofMillis(number));
    }

    private static String name(ResponseCode code) {
        return switch (code) {
            case ResponseCode.Other(var name, var arguments) -> name;
            case ResponseCode.Modified c -> "MODIFIED";
            case ResponseCode.Capability c -> "";
            case ResponseCode.PermanentFlags c -> "";
            case ResponseCode.UidNext c -> "";
            case ResponseCode.UidValidity c -> "";
            case ResponseCode.HighestModSeq c -> "";
            case ResponseCode.NoModSeq c -> "";
            case ResponseCode.Closed c -> "";
            case ResponseCode.AppendUid c -> "";
            case ResponseCode.CopyUid c -> "";
            case ResponseCode.MessageLimit c -> "MESSAGELIMIT";
            case ResponseCode.MailboxId c -> "";
        };
    }

    private static String forPeople(String condition, Optional<ResponseCode> code, String text) {
        String name = code.map(ImapFailures::name).orElse("");
        String whole = condition + (name.isEmpty() ? "" : " [" + name + "]") + (text.isEmpty() ? "" : " " + text);
        String printable = whole.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}]", " ");
        return printable.length() <= TEXT_MAX ? printable : printable.substring(0, TEXT_MAX) + "…";
    }

    private static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }
}
