/**
 * The IMAP commands that mutations need, also on Gmail, computed from the server snapshot and the server's LIST response. Pure: no I/O, no
 * clock. Sending the commands belongs in {@code imap}.
 */
package org.postbus.outbound.imap.plan;
