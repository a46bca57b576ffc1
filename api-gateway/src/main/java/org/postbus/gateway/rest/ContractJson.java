package org.postbus.gateway.rest;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.postbus.codec.EventCodec;

/** Replaces the framework's JSON mapper by {@link EventCodec}'s, so that the API and the topics encode alike. */
final class ContractJson {
    @Produces
    @Singleton
    ObjectMapper mapper() {
        return EventCodec.mapper();
    }
}
