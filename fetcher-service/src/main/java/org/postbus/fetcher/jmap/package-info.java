/**
 * A pass over a JMAP account (RFC 8620, RFC 8621) in its parts: initial sync, changes, mailboxes, reconciliation, overlap re-query, count audit;
 * and the watcher (event source, WebSocket). The schedules and windows are pure records. Nothing here knows IMAP.
 */
package org.postbus.fetcher.jmap;
