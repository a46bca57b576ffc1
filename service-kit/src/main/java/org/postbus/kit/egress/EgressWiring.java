package org.postbus.kit.egress;

import io.vertx.core.Vertx;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.ConfigProvider;
import org.postbus.kit.settings.Settings;
import org.postbus.mail.egress.EgressConnector;

/** Makes the process's one connector from its settings. */
@Singleton
public class EgressWiring {
    @Produces
    @Singleton
    EgressConnector connector(Vertx vertx) {
        return EgressConnector.of(vertx, EgressSettings.policy(Settings.of(ConfigProvider.getConfig())));
    }
}
