/**
 * Applies mutations and files sent messages over IMAP. Which commands are needed is decided in {@code imap.plan}; framing and grammar belong in
 * mail-client. Knows neither JMAP, nor the database, nor the queue.
 */
package org.postbus.outbound.imap;
