/**
 * From the octets of an IMAP connection to complete responses: lines with the literals they announce, and decompression before
 * that. It knows nothing else about IMAP, so a malformed response never costs the position in the stream.
 *
 * <p>Pure: arrays go in and come out; there is no socket, no clock and no reactive type. What a response means belongs in {@code
 * grammar.response}.
 */
package org.postbus.mail.imap.framing;
