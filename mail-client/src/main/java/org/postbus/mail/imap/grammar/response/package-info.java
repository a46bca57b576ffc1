/**
 * Responses of an IMAP server, and the parser that reads them, one class for each group of responses. It never fails: what it does
 * not understand is {@code ImapResponse.Unknown}, and an item of a message that it does not understand is kept as octets.
 *
 * <p>Pure. A server's odd syntax is handled here, its odd behaviour in {@code session}.
 */
package org.postbus.mail.imap.grammar.response;
