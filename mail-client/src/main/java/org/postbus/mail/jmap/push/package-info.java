/**
 * Push from JMAP servers: an event source (RFC 8620 section 7.3), or a WebSocket (RFC 8887). Both only say that something changed.
 *
 * <p>Nothing is fetched here; the listener asks for the changes with {@code http}.
 */
package org.postbus.mail.jmap.push;
