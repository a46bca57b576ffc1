/**
 * Applies mutations, sends submissions and files sent messages over JMAP. Which calls mutations need is decided in {@code jmap.plan}; codecs and
 * HTTP belong in mail-client. Does not depend on IMAP, the database or the queue.
 */
package org.postbus.outbound.jmap;
