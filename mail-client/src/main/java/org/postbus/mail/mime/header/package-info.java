/**
 * Reads header fields from their raw octets: addresses, dates, ids, parameters, encoded words (RFC 5322, RFC 2047, RFC 2231).
 *
 * <p>Pure. Charsets and transfer encodings belong in {@code encoding}.
 */
package org.postbus.mail.mime.header;
