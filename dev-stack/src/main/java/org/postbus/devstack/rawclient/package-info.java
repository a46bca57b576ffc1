/**
 * Blocking IMAP, JMAP and SMTP clients that share no code with {@code mail-client}: tests, benchmarks and the demo use them as the other
 * clients of a mail server, and to check what a server holds. They understand the servers of dev-stack, not every server.
 *
 * <p>What Postbus itself needs to talk to mail servers belongs in {@code mail-client}.
 */
package org.postbus.devstack.rawclient;
