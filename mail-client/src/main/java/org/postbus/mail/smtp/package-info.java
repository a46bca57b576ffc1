/**
 * Submits a message (RFC 6409) with the Vert.x mail client, octet by octet as it was stored, and says what replies and broken
 * connections mean.
 *
 * <p>Whether and when to send again belongs to outbound-service.
 */
package org.postbus.mail.smtp;
