package org.postbus.devstack.james;

import com.google.inject.Scopes;
import org.apache.james.ExtraProperties;
import org.apache.james.FakeSearchMailboxModule;
import org.apache.james.GuiceJamesServer;
import org.apache.james.JamesServerMain;
import org.apache.james.MemoryJamesConfiguration;
import org.apache.james.MemoryJamesServerMain;
import org.apache.james.mailbox.store.mail.ThreadIdGuessingAlgorithm;

/**
 * James with all in memory, as {@link MemoryJamesServerMain} starts it, but for one thing: to find a new message's thread that one
 * parses the headers of all the user's messages, so that filling a mailbox takes quadratic time ({@link IndexedThreads}).
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
                });
        JamesServerMain.main(server);
    }
}
