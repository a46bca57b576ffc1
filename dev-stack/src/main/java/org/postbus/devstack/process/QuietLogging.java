package org.postbus.devstack.process;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Lets the libraries that this JVM uses speak up only when something is wrong; what the children say is in their log files.
 * Named as {@code java.util.logging.config.class}.
 */
public final class QuietLogging {
    public QuietLogging() {
        Logger.getLogger("").setLevel(Level.WARNING);
    }
}
