/**
 * Undoes transfer encodings (RFC 2045 section 6) and decodes charsets as browsers do (WHATWG Encoding).
 *
 * <p>Pure. Header fields and the structure of a message do not belong here.
 */
package org.postbus.mail.mime.encoding;
