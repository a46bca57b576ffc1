/**
 * Mail as readers and subscribers see it: emails, mailboxes, keywords and bodies in the shapes of RFC 8621, and the ids that Postbus assigns.
 *
 * <p>Does not belong here: a server's own ids of emails and mailboxes ({@code observation}), and how either changes ({@code change}).
 */
package org.postbus.model;
