/**
 * Applies mutations, sends submissions and files sent messages over JMAP. Which calls mutations need is decided in {@code jmap.plan}; codecs and
 * HTTP belong in mail-client. Knows neither IMAP, nor the database, nor the queue.
 */
package org.postbus.outbound.jmap;
