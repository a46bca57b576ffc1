package org.postbus.outbound;

import org.junit.jupiter.api.Assumptions;
import org.postbus.devstack.mailserver.Dovecot;

/** Where Dovecot is not installed, its tests are left out; not where it is required. */
final class TestDovecot {
    private TestDovecot() {}

    static void assumeThere() {
        boolean there = Dovecot.isInstalled() || Dovecot.isRequired();
        if (!there) {
            System.err.println(
                    "NOT TESTED: wishes on Dovecot, for it is not installed (apt-get install dovecot-imapd)");
        }
        Assumptions.assumeTrue(there, "Dovecot is not installed (apt-get install dovecot-imapd)");
    }
}
