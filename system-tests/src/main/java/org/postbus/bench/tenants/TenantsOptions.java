package org.postbus.bench.tenants;

import java.time.Duration;
import java.util.Deque;
import org.postbus.bench.options.Arguments;

/**
 * The options of {@code bench tenants}.
 *
 * @param phase how long each of the three measurements takes
 * @param accounts of the hostile tenant
 */
public record TenantsOptions(Duration phase, int accounts) {
    private static final TenantsOptions DEFAULT = new TenantsOptions(Duration.ofSeconds(60), 500);
    private static final int SECONDS_MAX = 3600;
    private static final int ACCOUNTS_MAX = 1000;

    public static TenantsOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--seconds" ->
                new TenantsOptions(Duration.ofSeconds(Arguments.number(value, SECONDS_MAX)), options.accounts);
            case "--accounts" -> new TenantsOptions(options.phase, Arguments.number(value, ACCOUNTS_MAX));
            default -> throw Arguments.unknown(name);
        });
    }
}
