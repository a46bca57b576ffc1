package org.postbus.fetcher;

import io.smallrye.mutiny.Uni;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Lets SmallRye set up its context propagation before the tests of any class. It does so at the first use of a {@code Uni}, and if two test
 * classes begin at the same time the second one fails with "ContextManagerProvider already set". In a service Quarkus sets it up at the
 * start.
 */
public final class ContextPropagation implements BeforeAllCallback {
    static {
        Uni.createFrom().voidItem().onTermination().invoke(() -> {}).await().indefinitely();
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        // The class is initialized once, and every test class waits for it.
    }
}
