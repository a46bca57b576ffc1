/**
 * Undoes transfer encodings (RFC 2045 section 6) and decodes charsets as browsers do (WHATWG Encoding).
 *
 * <p>Pure. It knows no header and no structure.
 */
package org.postbus.mail.mime.encoding;
