package org.postbus.fetcher;

import java.util.Set;
import org.postbus.devstack.Dovecot;

/** Dovecot that says of none of its extensions: what is left is comparing. */
class HiddenDovecotSourceTest extends DovecotSourceContract {
    @Override
    Set<String> hidden() {
        return Dovecot.DELTAS;
    }
}
