/**
 * Submits a message (RFC 6409) with the Vert.x mail client, and decides what replies and broken connections mean. The
 * message is sent octet by octet as it was stored, except for the field Bcc and blank lines at the end.
 *
 * <p>Whether and when to send again belongs to outbound-service.
 */
package org.postbus.mail.smtp;
