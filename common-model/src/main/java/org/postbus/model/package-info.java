/**
 * Mail as readers and subscribers see it: emails, mailboxes, keywords and bodies in the shapes of RFC 8621, and the ids that Postbus gives.
 *
 * <p>Does not belong here: what a server calls an email or a mailbox ({@code observation}), and how either changes ({@code change}).
 */
package org.postbus.model;
