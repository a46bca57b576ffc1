package org.postbus.devstack.process;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Limits java.util.logging to warnings, for the launcher, the benchmarks and tests outside of Quarkus. Child processes log to files of
 * their own. Set as {@code java.util.logging.config.class}.
 */
public final class QuietLogging {
    public QuietLogging() {
        Logger.getLogger("").setLevel(Level.WARNING);
    }
}
