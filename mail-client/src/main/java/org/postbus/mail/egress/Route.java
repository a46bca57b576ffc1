package org.postbus.mail.egress;

import io.vertx.core.net.ProxyOptions;
import java.util.Optional;

/** One checked address, and how to connect to it. */
record Route(PinnedAddress address, Optional<ProxyOptions> proxy) {}
