package org.postbus.mail.imap.connection;

import io.netty.buffer.Unpooled;
import io.smallrye.mutiny.Multi;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.PartialMessages;
import org.postbus.mail.memory.HeldBytes;

/** UID FETCH as streams: of messages, and of the content of one. */
final class Fetches {
    private final ImapWire wire;

    Fetches(ImapWire wire) {
        this.wire = wire;
    }

    /** The messages of the set, in as many commands as it takes. */
    Multi<FetchedMessage> messages(UidSet uids, FetchItems items) {
        List<UidSet> sets = uids.split();
        if (sets.size() == 1) {
            return joined(sets.getFirst(), items);
        }
        return Multi.createFrom().iterable(sets).onItem().transformToMultiAndConcatenate(set -> joined(set, items));
    }

    /** Each message once, whatever the number of responses about it. */
    private Multi<FetchedMessage> joined(UidSet uids, FetchItems items) {
        return Multi.createFrom().deferred(() -> {
            PartialMessages partial = new PartialMessages(items);
            HeldBytes.Share share = wire.holder().share();
            return fetch(uids, items)
                    .map(message -> {
                        Optional<FetchedMessage> complete = partial.add(message);
                        share.set(partial.bytes());
                        return complete;
                    })
                    .select()
                    .where(Optional::isPresent)
                    .map(Optional::get)
                    .onCompletion()
                    .switchTo(() -> Multi.createFrom().iterable(partial.rest()))
                    .onTermination()
                    .invoke(share::close);
        });
    }

    /**
     * A server with a message limit executes as much as it wants, from the end, and reports how far it came (RFC
     * 9738).
     */
    private Multi<FetchedMessage> fetch(UidSet uids, FetchItems items) {
        AtomicLong lowest = new AtomicLong();
        Multi<FetchedMessage> first = wire.stream(
                new ImapCommand.UidFetch(uids, items),
                answer -> lowest.set(answer.lowestUid().orElse(0)));
        return Multi.createBy()
                .concatenating()
                .streams(first, Multi.createFrom().deferred(() -> {
                    UidSet rest = uids.below(lowest.get());
                    if (rest.equals(uids)) {
                        return Multi.createFrom()
                                .failure(new ServerException(new ServerFailure.Rejected(
                                        "MESSAGELIMIT", "the server does none of the messages that it was asked for")));
                    }
                    return rest.isEmpty() ? Multi.createFrom().empty() : fetch(rest, items);
                }));
    }

    /** Some content of one message, chunk by chunk; {@code Rejected} {@code NONEXISTENT} if it is not there. */
    Multi<SectionChunk> section(long uid, Section section) {
        return wire.stream(new ImapCommand.UidFetchSection(uid, section))
                .onCompletion()
                .ifEmpty()
                .failWith(() -> new ServerException(
                        new ServerFailure.Rejected("NONEXISTENT", "the server has no such message or part")))
                .map(part -> new SectionChunk(
                        Buffer.buffer(Unpooled.wrappedBuffer(part.octets(), part.offset(), part.count())),
                        part.literalSize()))
                .select()
                .where(chunk -> chunk.octets().length() > 0);
    }
}
