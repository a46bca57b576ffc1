package org.postbus.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.postbus.codec.EventCodec;

/** Makes the API speak the contract's JSON: this bean takes the place of the framework's own mapper. */
final class ContractJson {
    @Produces
    @Singleton
    ObjectMapper mapper() {
        return EventCodec.mapper();
    }
}
