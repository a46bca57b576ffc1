/**
 * Real mail servers as child processes: James (IMAP, JMAP, SMTP; from Maven Central) and Dovecot (IMAP; Debian's package), each with a
 * generated configuration.
 *
 * <p>Clients of these servers belong in {@code rawclient}.
 */
package org.postbus.devstack.mailserver;
