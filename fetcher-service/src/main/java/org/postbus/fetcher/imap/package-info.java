/**
 * A pass over an IMAP account, from LIST to the last message, and the watcher (NOTIFY, IDLE). {@link org.postbus.fetcher.imap.StatusSchedule} and
 * {@link org.postbus.fetcher.imap.DirtyMailboxes} are pure. What is done in one mailbox is in {@code imap.mailbox}, reading messages in {@code
 * imap.message}, labels in {@code imap.gmail}. JMAP does not belong here.
 */
package org.postbus.fetcher.imap;
