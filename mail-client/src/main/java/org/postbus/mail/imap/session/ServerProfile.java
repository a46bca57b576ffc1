package org.postbus.mail.imap.session;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.postbus.mail.imap.grammar.Capabilities;

/** What the server has said about itself: capabilities, enabled extensions, ID. Written by the event loop, read by any thread. */
public final class ServerProfile {
    private static final int ENABLED_MAX = 100;

    private volatile Capabilities capabilities = Capabilities.NONE;
    private volatile Set<String> enabled = Set.of();
    private volatile Map<String, String> id = Map.of();
    private boolean known;
    private boolean reportedSinceBegin;

    ServerProfile() {}

    public Capabilities capabilities() {
        return capabilities;
    }

    /** False before the server has listed its capabilities, and after {@link #forgetCapabilities}. */
    public boolean capabilitiesKnown() {
        return known;
    }

    /** What was said before TLS, or before the login, may not hold after it (RFC 9051 sections 6.2.1 and 6.2.2). */
    public void forgetCapabilities() {
        capabilities = Capabilities.NONE;
        known = false;
    }

    /** Extensions that ENABLE has switched on (RFC 5161), in upper case. */
    public Set<String> enabled() {
        return enabled;
    }

    /** Whether mod-sequences may be asked for (RFC 7162): CONDSTORE is offered or was enabled. */
    public boolean condstoreEnabled() {
        return capabilities.has("CONDSTORE") || enabled.contains("CONDSTORE") || enabled.contains("QRESYNC");
    }

    /** Whether the server has enabled QRESYNC (RFC 7162). */
    public boolean qresyncEnabled() {
        return enabled.contains("QRESYNC");
    }

    /** What the server says about itself (RFC 2971), names in lower case; empty without ID. */
    public Map<String, String> id() {
        return id;
    }

    void commandBegins() {
        reportedSinceBegin = false;
    }

    void reported(Capabilities reported) {
        capabilities = reported;
        known = true;
        reportedSinceBegin = true;
    }

    /** The capabilities of before the login do not hold after it, unless its answer brought new ones. */
    void loggedIn() {
        if (!reportedSinceBegin) {
            forgetCapabilities();
        }
    }

    /** ENABLED. */
    void enabled(Set<String> names) {
        if (enabled.size() + names.size() <= ENABLED_MAX) {
            Set<String> all = new HashSet<>(enabled);
            all.addAll(names);
            enabled = Set.copyOf(all);
        }
    }

    /** ENABLE was accepted. One large server leaves ENABLED out; HIGHESTMODSEQ shows later whether it has enabled anything. */
    void enableAccepted(Set<String> asked) {
        if (enabled.isEmpty()) {
            enabled = Set.copyOf(asked);
        }
    }

    void identified(Map<String, String> fields) {
        id = fields;
    }
}
