package org.postbus.mail.imap.fake;

/** Where a message of {@link FakeGmail} is: in exactly one of these. */
public enum GmailContainer {
    ALL_MAIL,
    SPAM,
    TRASH
}
