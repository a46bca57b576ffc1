package org.postbus.gateway.authentication;

import jakarta.enterprise.context.RequestScoped;
import org.postbus.model.TenantId;

/** The tenant that makes the request. It comes from the API key and from nowhere else. */
@RequestScoped
public class Caller {
    private TenantId tenant;

    public TenantId tenant() {
        if (tenant == null) {
            throw new IllegalStateException("the request was not authenticated");
        }
        return tenant;
    }

    void is(TenantId tenant) {
        this.tenant = tenant;
    }
}
