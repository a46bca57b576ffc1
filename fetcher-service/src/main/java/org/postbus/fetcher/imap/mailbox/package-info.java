/**
 * One IMAP mailbox: what the fetcher has stored about it, the connection while it is selected, and the flag and expunge resync of known messages
 * (RFC 7162). {@link org.postbus.fetcher.imap.mailbox.MailboxListing}, {@link org.postbus.fetcher.imap.mailbox.MailboxWork} and {@link
 * org.postbus.fetcher.imap.mailbox.FlagsWork} decide what is to be done and are pure. Reading new messages does not belong here.
 */
package org.postbus.fetcher.imap.mailbox;
