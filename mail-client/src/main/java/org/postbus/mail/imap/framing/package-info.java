/**
 * From the octets of an IMAP connection to complete responses: lines with the literals they declare, and decompression
 * before that. Nothing else is parsed here, so the end of a malformed response is found too, and the next response is
 * read correctly.
 *
 * <p>Pure: arrays go in and come out; there is no socket, no clock and no reactive type. What a response means belongs in {@code
 * grammar.response}.
 */
package org.postbus.mail.imap.framing;
