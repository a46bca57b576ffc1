package org.postbus.gateway.authentication;

import jakarta.enterprise.context.RequestScoped;
import org.postbus.model.TenantId;

/** Who is asking. The tenant comes from the key and from nowhere else. */
@RequestScoped
public class Caller {
    private TenantId tenant;

    public TenantId tenant() {
        if (tenant == null) {
            throw new IllegalStateException("a request has come past the authentication");
        }
        return tenant;
    }

    void is(TenantId tenant) {
        this.tenant = tenant;
    }
}
