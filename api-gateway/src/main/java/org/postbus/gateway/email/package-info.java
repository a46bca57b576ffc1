/**
 * Emails as readers see them, and mutations of emails. Content that is not in the database belongs to content, the queue in which
 * mutations wait to mutation.
 */
package org.postbus.gateway.email;
