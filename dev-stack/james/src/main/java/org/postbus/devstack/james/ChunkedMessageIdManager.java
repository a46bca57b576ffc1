package org.postbus.devstack.james;

import com.google.common.collect.Iterables;
import java.util.Collection;
import javax.inject.Inject;
import org.apache.james.events.EventBus;
import org.apache.james.mailbox.MailboxSession;
import org.apache.james.mailbox.RightManager;
import org.apache.james.mailbox.model.ComposedMessageIdWithMetaData;
import org.apache.james.mailbox.model.FetchGroup;
import org.apache.james.mailbox.model.MessageId;
import org.apache.james.mailbox.model.MessageResult;
import org.apache.james.mailbox.quota.QuotaManager;
import org.apache.james.mailbox.quota.QuotaRootResolver;
import org.apache.james.mailbox.store.MailboxSessionMapperFactory;
import org.apache.james.mailbox.store.PreDeletionHooks;
import org.apache.james.mailbox.store.StoreMessageIdManager;
import reactor.core.publisher.Flux;

/**
 * Reads messages in small chunks. James 3.8.1 groups the messages of a request by mailbox and reads 16 groups concurrently; with more than
 * 256 messages in more than 16 mailboxes the groups wait for each other forever, and the request gets no response.
 */
final class ChunkedMessageIdManager extends StoreMessageIdManager {
    /** So few that all copies of these messages are fewer than 256. */
    private static final int CHUNK = 16;

    @Inject
    ChunkedMessageIdManager(
            RightManager rights,
            MailboxSessionMapperFactory mappers,
            EventBus events,
            QuotaManager quotas,
            QuotaRootResolver quotaRoots,
            PreDeletionHooks hooks) {
        super(rights, mappers, events, quotas, quotaRoots, hooks);
    }

    @Override
    public Flux<MessageResult> getMessagesReactive(
            Collection<MessageId> ids, FetchGroup fetch, MailboxSession session) {
        return Flux.fromIterable(Iterables.partition(ids, CHUNK))
                .concatMap(chunk -> super.getMessagesReactive(chunk, fetch, session));
    }

    @Override
    public Flux<ComposedMessageIdWithMetaData> messagesMetadata(Collection<MessageId> ids, MailboxSession session) {
        return Flux.fromIterable(Iterables.partition(ids, CHUNK))
                .concatMap(chunk -> super.messagesMetadata(chunk, session));
    }
}
