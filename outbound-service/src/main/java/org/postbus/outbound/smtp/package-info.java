/** Sends submissions by SMTP. The copy in Sent is filed by the account's IMAP or JMAP server; the SMTP client belongs in mail-client. */
package org.postbus.outbound.smtp;
