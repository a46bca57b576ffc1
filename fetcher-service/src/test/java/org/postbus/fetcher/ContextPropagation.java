package org.postbus.fetcher;

import io.smallrye.mutiny.Uni;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Lets SmallRye set up its context propagation before the first test. It does so at the first use of a {@code Uni}, and two test classes that
 * begin at the same time would both do it: the second fails with "ContextManagerProvider already set". In a service Quarkus does it at the
 * start.
 */
public final class ContextPropagation implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Uni.createFrom().voidItem().onTermination().invoke(() -> {}).await().indefinitely();
    }
}
