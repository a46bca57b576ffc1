/**
 * Emails as readers see them, and mutations of emails.
 *
 * <p>Does not belong here: content that is not in the database (package {@code content}), and the queue of mutations (package
 * {@code mutation}).
 */
package org.postbus.gateway.email;
