package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.List;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapEncoder;
import org.postbus.mail.imap.grammar.response.ImapResponse;

/** The command that the server has not answered yet, if any: how much of it was sent, and the responses kept for its answer. */
final class CommandInProgress {
    private ImapCommand command;
    private int tagsUsed;
    private String tag = "";
    private List<byte[]> parts = List.of();
    private int partsSent;
    private boolean idling;
    private boolean doneWanted;
    private List<ImapResponse> untagged = new ArrayList<>();

    /** Null if there is none. */
    ImapCommand command() {
        return command;
    }

    boolean busy() {
        return command != null;
    }

    /** @throws IllegalArgumentException if the command holds what no command may hold; then nothing has happened */
    void begin(ImapCommand next, Capabilities capabilities) {
        String nextTag = "A" + (tagsUsed + 1);
        parts = ImapEncoder.encode(nextTag, next, capabilities).parts();
        tagsUsed++;
        command = next;
        tag = nextTag;
        partsSent = 0;
        idling = false;
        doneWanted = false;
        untagged = new ArrayList<>();
    }

    boolean hasTag(String other) {
        return busy() && tag.equals(other);
    }

    SessionOutput sendPart() {
        return new SessionOutput.Send(parts.get(partsSent++));
    }

    /** Whether the server must send a continuation before the rest may be sent (RFC 9051 section 4.3). */
    boolean waitsForContinuation() {
        return busy() && partsSent < parts.size();
    }

    boolean sentWhole() {
        return partsSent == parts.size();
    }

    /** IDLE has begun and is not to be ended. */
    boolean idling() {
        return idling && !doneWanted;
    }

    /** Ends IDLE: at once, or as soon as the server has begun it (RFC 2177: DONE only after the continuation). */
    List<SessionOutput> endIdle() {
        if (!(command instanceof ImapCommand.Idle) || doneWanted) {
            return List.of();
        }
        doneWanted = true;
        return idling ? List.of(done()) : List.of();
    }

    boolean beginsToIdle() {
        return command instanceof ImapCommand.Idle && !idling;
    }

    /** The server has sent the continuation of IDLE. */
    List<SessionOutput> idleBegun() {
        idling = true;
        return doneWanted ? List.of(done()) : List.of();
    }

    private static SessionOutput done() {
        return new SessionOutput.Send(new byte[] {'D', 'O', 'N', 'E', '\r', '\n'});
    }

    void keep(ImapResponse response) {
        untagged.add(response);
    }

    void dropKept() {
        untagged = new ArrayList<>();
    }

    /** The command is over; its answer holds what was kept. */
    ImapAnswer end(ImapResponse.Tagged tagged) {
        ImapAnswer answer = new ImapAnswer(command, tagged, List.copyOf(untagged));
        command = null;
        parts = List.of();
        partsSent = 0;
        idling = false;
        doneWanted = false;
        dropKept();
        return answer;
    }
}
