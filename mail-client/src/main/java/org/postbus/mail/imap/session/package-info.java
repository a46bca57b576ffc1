/**
 * The state machine of an IMAP connection: the command in progress, its answer, the changes that the server reports
 * without being asked, and what a refusal means.
 *
 * <p>Pure: it takes responses and returns what to send and to report. It waits for nothing; sockets and timers belong in {@code
 * connection}.
 */
package org.postbus.mail.imap.session;
