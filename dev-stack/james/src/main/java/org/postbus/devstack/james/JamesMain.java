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
 * James with all in memory, as {@link MemoryJamesServerMain} starts it, but for what would make it no server to measure with: to find
 * a new message's thread that one parses the headers of all the user's messages, so that filling a mailbox takes quadratic time
 * ({@link IndexedThreads}); its store shows half of a change ({@link MendedMappers}); and it leaves requests for many messages
 * without an answer ({@link ChunkedMessageIdManager}).
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
                    binder.bind(InMemoryMailboxSessionMapperFactory.class).to(MendedMappers.class);
                    binder.bind(MendedMappers.class).in(Scopes.SINGLETON);
                    binder.bind(MessageIdManager.class).to(ChunkedMessageIdManager.class);
                    binder.bind(StoreMessageIdManager.class).to(ChunkedMessageIdManager.class);
                    binder.bind(ChunkedMessageIdManager.class).in(Scopes.SINGLETON);
                });
        JamesServerMain.main(server);
    }
}
