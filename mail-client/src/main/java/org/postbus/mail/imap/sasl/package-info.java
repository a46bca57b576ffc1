/**
 * The client's side of SASL mechanisms (RFC 4422), one exchange at a time.
 *
 * <p>No I/O. Which mechanism is tried is decided in {@code connection}; SCRAM may compute for a second, so the caller runs it on a
 * worker thread.
 */
package org.postbus.mail.imap.sasl;
