package org.postbus.gateway.quota;

import java.util.EnumMap;
import java.util.Map;

/**
 * The limits of one tenant.
 *
 * @param own those that were set for it; the others are the defaults
 */
public record Limits(Map<Quota, Long> all, Map<Quota, Long> own) {
    public Limits {
        all = Map.copyOf(all);
        own = Map.copyOf(own);
        if (all.size() != Quota.values().length) {
            throw new IllegalArgumentException("a limit is missing: " + all.keySet());
        }
    }

    static Limits of(Map<Quota, Long> defaults, Map<Quota, Long> own) {
        Map<Quota, Long> all = new EnumMap<>(defaults);
        all.putAll(own);
        return new Limits(all, own);
    }

    public long of(Quota quota) {
        return all.get(quota);
    }
}
