/**
 * Reads messages to RFC 8621's form: headers, lists of parts, texts, preview. {@code MimeMessageReader} is the entry
 * point.
 *
 * <p>Pure, bounded by {@code MimeLimits}, and total: every sequence of octets is read as some message, and none causes
 * an exception. Header fields are in {@code header}, transfer encodings and charsets in {@code encoding}. mime4j finds
 * where the parts are and nothing else.
 */
package org.postbus.mail.mime;
