package org.postbus.gateway.change;

import java.util.Optional;

/**
 * How many event streams may be open in a process. A part is kept free for tenants that have few: however many streams other tenants open, a
 * tenant's first ones are refused only when that part, too, is taken by the first streams of others.
 *
 * @param perProcess in total
 * @param perTenant of one tenant
 * @param reserved of the total, for the first streams of tenants
 * @param first how many streams of a tenant are its first ones
 */
record StreamLimits(int perProcess, int perTenant, int reserved, int first) {
    static final StreamLimits DEFAULT = new StreamLimits(2_000, 100, 500, 2);

    /**
     * @param open streams of all tenants
     * @param ofTenant streams of the tenant that wants one more
     * @return why it can not be opened, and what to do
     */
    Optional<String> refusal(int open, int ofTenant) {
        if (ofTenant >= perTenant) {
            return Optional.of("the limit of " + perTenant + " event streams of this tenant is reached; close one");
        }
        int available = ofTenant < first ? perProcess : perProcess - reserved;
        return open < available
                ? Optional.empty()
                : Optional.of("too many event streams are open in this process; close one, or try again later");
    }
}
