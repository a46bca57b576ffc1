package org.postbus.devstack.james;

import java.time.Clock;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import javax.inject.Inject;
import org.apache.james.mailbox.MailboxSession;
import org.apache.james.mailbox.MessageUid;
import org.apache.james.mailbox.ModSeq;
import org.apache.james.mailbox.exception.MailboxException;
import org.apache.james.mailbox.inmemory.InMemoryMailboxSessionMapperFactory;
import org.apache.james.mailbox.inmemory.mail.InMemoryMessageIdMapper;
import org.apache.james.mailbox.inmemory.mail.InMemoryMessageMapper;
import org.apache.james.mailbox.model.ComposedMessageIdWithMetaData;
import org.apache.james.mailbox.model.Mailbox;
import org.apache.james.mailbox.model.MessageId;
import org.apache.james.mailbox.model.MessageMetaData;
import org.apache.james.mailbox.model.MessageRange;
import org.apache.james.mailbox.model.UpdatedFlags;
import org.apache.james.mailbox.store.FlagsUpdateCalculator;
import org.apache.james.mailbox.store.mail.MailboxMapper;
import org.apache.james.mailbox.store.mail.MessageIdMapper;
import org.apache.james.mailbox.store.mail.MessageMapper.FetchType;
import org.apache.james.mailbox.store.mail.ModSeqProvider;
import org.apache.james.mailbox.store.mail.UidProvider;
import org.apache.james.mailbox.store.mail.model.MailboxMessage;
import reactor.core.publisher.Flux;

/**
 * The in-memory store of James 3.8.1 with two corrections. The original returns the metadata of all users' messages for the id of one
 * message. And it assigns UIDs and MODSEQs before the message is visible, so that a client may read the higher HIGHESTMODSEQ together with
 * the old flags and miss the change (against RFC 7162 section 3.1).
 */
final class PatchedMappers extends InMemoryMailboxSessionMapperFactory {
    private final InMemoryMessageMapper messages;
    private final MessageIdMapper messageIds;

    @Inject
    PatchedMappers(Clock clock) {
        super(clock);
        messages = new AtomicMessages(getUidProvider(), getModSeqProvider(), clock);
        messageIds = new SelectedMessages(createMailboxMapper(null), messages);
    }

    @Override
    public InMemoryMessageMapper createMessageMapper(MailboxSession session) {
        return messages;
    }

    @Override
    public MessageIdMapper createMessageIdMapper(MailboxSession session) {
        return messageIds;
    }

    private static final class SelectedMessages extends InMemoryMessageIdMapper {
        SelectedMessages(MailboxMapper mailboxes, InMemoryMessageMapper messages) {
            super(mailboxes, messages);
        }

        @Override
        public Flux<ComposedMessageIdWithMetaData> findMetadata(MessageId id) {
            return Flux.from(super.findMetadata(id))
                    .filter(metadata -> metadata.getComposedMessageId().getMessageId().equals(id));
        }

        @Override
        public Flux<MailboxMessage> findReactive(Collection<MessageId> ids, FetchType type) {
            Set<MessageId> wanted = new HashSet<>(ids);
            return super.findReactive(wanted, type);
        }
    }

    private static final class AtomicMessages extends InMemoryMessageMapper {
        AtomicMessages(UidProvider uids, ModSeqProvider modSeqs, Clock clock) {
            super(null, uids, modSeqs, clock);
        }

        @Override
        public synchronized MessageMetaData add(Mailbox mailbox, MailboxMessage message) throws MailboxException {
            return super.add(mailbox, message);
        }

        @Override
        public synchronized MessageMetaData copy(Mailbox mailbox, MailboxMessage original) throws MailboxException {
            return super.copy(mailbox, original);
        }

        @Override
        public synchronized MessageMetaData move(Mailbox mailbox, MailboxMessage original) throws MailboxException {
            return super.move(mailbox, original);
        }

        @Override
        public synchronized Iterator<UpdatedFlags> updateFlags(
                Mailbox mailbox, FlagsUpdateCalculator calculator, MessageRange range) throws MailboxException {
            return super.updateFlags(mailbox, calculator, range);
        }

        @Override
        public synchronized ModSeq getHighestModSeq(Mailbox mailbox) throws MailboxException {
            return super.getHighestModSeq(mailbox);
        }

        @Override
        public synchronized Optional<MessageUid> getLastUid(Mailbox mailbox) throws MailboxException {
            return super.getLastUid(mailbox);
        }

        @Override
        public synchronized Iterator<MailboxMessage> findInMailbox(
                Mailbox mailbox, MessageRange range, FetchType type, int max) {
            return super.findInMailbox(mailbox, range, type, max);
        }
    }
}
