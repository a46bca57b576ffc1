/**
 * Connections to IMAP servers: {@code ImapClient} opens and logs in, {@code ImapConnection} has the calls. Sockets, TLS, timers and
 * {@code Uni} begin and end here.
 *
 * <p>What a response is or means belongs in the layers below. What to fetch, and when, belongs to the services.
 */
package org.postbus.mail.imap.connection;
