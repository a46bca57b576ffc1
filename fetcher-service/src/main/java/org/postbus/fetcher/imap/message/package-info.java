/**
 * Reading messages over IMAP: fetching and parsing them, large and poison messages, and distinguishing moved messages from copies. Which messages
 * are to be read is decided in {@code imap}.
 */
package org.postbus.fetcher.imap.message;
