/**
 * Applies mutations and files sent messages over IMAP. Which commands are needed is decided in {@code imap.plan}; framing and grammar belong in
 * mail-client. Does not depend on JMAP, the database or the queue.
 */
package org.postbus.outbound.imap;
