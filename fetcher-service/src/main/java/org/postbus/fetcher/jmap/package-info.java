/**
 * The parts of a pass over a JMAP account (RFC 8620, RFC 8621): initial sync, changes, mailboxes, reconciliation, overlap re-query, count audit;
 * and the watcher (event source, WebSocket). The schedules and windows are pure records. IMAP does not belong here.
 */
package org.postbus.fetcher.jmap;
