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
 * Looks messages up a few at a time. James 3.8.1 groups what it finds by mailbox and reads 16 groups at once; when more than 256
 * messages are found in more than 16 mailboxes the rest waits for groups that wait for the rest, and the client is never answered.
 */
final class ChunkedMessageIdManager extends StoreMessageIdManager {
    /** In so few mailboxes, each, that all their copies are fewer than 256. */
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
