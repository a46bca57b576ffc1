package org.postbus.devstack.james;

import com.google.inject.Scopes;
import org.apache.james.ExtraProperties;
import org.apache.james.FakeSearchMailboxModule;
import org.apache.james.GuiceJamesServer;
import org.apache.james.JamesServerMain;
import org.apache.james.MemoryJamesConfiguration;
import org.apache.james.MemoryJamesServerMain;
import org.apache.james.mailbox.MessageIdManager;
import org.apache.james.mailbox.inmemory.InMemoryMailboxSessionMapperFactory;
import org.apache.james.mailbox.store.StoreMessageIdManager;
import org.apache.james.mailbox.store.mail.ThreadIdGuessingAlgorithm;

/**
 * Starts James with an in-memory store, as {@link MemoryJamesServerMain} does, with three replacements. The original parses the headers of
 * all of a user's messages to find a new message's thread, which makes filling a mailbox quadratic ({@link IndexedThreads}); its store
 * shows half of a change ({@link PatchedMappers}); and it never responds to some requests for many messages
 * ({@link ChunkedMessageIdManager}).
 */
public final class JamesMain {
    private JamesMain() {}

    public static void main(String[] arguments) throws Exception {
        ExtraProperties.initialize();
        GuiceJamesServer server = MemoryJamesServerMain.createServer(MemoryJamesConfiguration.builder()
                        .useWorkingDirectoryEnvProperty()
                        .build())
                .combineWith(new FakeSearchMailboxModule())
                .overrideWith(binder -> {
                    binder.bind(IndexedThreads.class).in(Scopes.SINGLETON);
                    binder.bind(ThreadIdGuessingAlgorithm.class).to(IndexedThreads.class);
                    binder.bind(InMemoryMailboxSessionMapperFactory.class).to(PatchedMappers.class);
                    binder.bind(PatchedMappers.class).in(Scopes.SINGLETON);
                    binder.bind(MessageIdManager.class).to(ChunkedMessageIdManager.class);
                    binder.bind(StoreMessageIdManager.class).to(ChunkedMessageIdManager.class);
                    binder.bind(ChunkedMessageIdManager.class).in(Scopes.SINGLETON);
                });
        JamesServerMain.main(server);
    }
}
