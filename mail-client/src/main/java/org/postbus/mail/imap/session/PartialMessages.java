package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;

/**
 * Joins the FETCH responses of one command about the same message: a server may send the flags in one and the content in another. A message that
 * has all that matters is returned at once; of one that has not, the rest is awaited until the command ends. Pure; used by one thread.
 */
public final class PartialMessages {
    /** Of what is held; a message beyond that is returned as it is. */
    private static final long BYTES_MAX = 512 * 1024;

    private final FetchItems asked;
    private final Map<Long, FetchedMessage> partial = new LinkedHashMap<>();
    private long bytes;

    public PartialMessages(FetchItems asked) {
        this.asked = asked;
    }

    /** The message, if it is complete now. */
    public Optional<FetchedMessage> add(FetchedMessage message) {
        FetchedMessage before = partial.remove(message.uid());
        if (before != null) {
            bytes -= before.bytes();
        }
        FetchedMessage joined = before == null ? message : before.and(message);
        if (isComplete(joined) || bytes + joined.bytes() > BYTES_MAX) {
            return Optional.of(joined);
        }
        partial.put(joined.uid(), joined);
        bytes += joined.bytes();
        return Optional.empty();
    }

    /** What is held, about, in bytes. */
    public long bytes() {
        return bytes;
    }

    /** The command has ended: messages without all that was asked for. Those of which only the state came were reported unasked. */
    public List<FetchedMessage> rest() {
        List<FetchedMessage> rest = new ArrayList<>();
        partial.values().stream().filter(message -> !isState(message)).forEach(rest::add);
        partial.clear();
        bytes = 0;
        return rest;
    }

    private static boolean isState(FetchedMessage message) {
        return message.body().isEmpty()
                && message.header().isEmpty()
                && message.bodyStructure().isEmpty()
                && message.internalDate().isEmpty()
                && message.size().isEmpty()
                && message.gmail().isEmpty()
                && message.emailId().isEmpty()
                && message.unparsed().isEmpty();
    }

    /** Whether the flags and the content are there. Servers leave out other items, and that must not delay the message. */
    private boolean isComplete(FetchedMessage message) {
        for (FetchItem item : asked.items()) {
            boolean there =
                    switch (item) {
                        case FetchItem.Flags flags -> message.flags().isPresent();
                        case FetchItem.Header header -> message.header().isPresent();
                        case FetchItem.Body body -> message.body().isPresent();
                        case FetchItem.BodyStart start -> message.body().isPresent();
                        case FetchItem.BodyStructure structure ->
                            message.bodyStructure().isPresent();
                        case FetchItem.GmailMessageId id -> message.gmail().isPresent();
                        case FetchItem.Gmail gmail -> message.gmail().isPresent();
                        case FetchItem.InternalDate date -> true;
                        case FetchItem.Size size -> true;
                        case FetchItem.ModSeq modSeq -> true;
                        case FetchItem.EmailId id -> true;
                        case FetchItem.ThreadId id -> true;
                    };
            if (!there) {
                return false;
            }
        }
        return true;
    }
}
