/**
 * Which accounts this fetcher syncs, and when it is asked to: the consumers of {@code postbus.accounts} and {@code postbus.sync-requests}.
 * {@link org.postbus.fetcher.assignment.Assignments} is pure. What a loop does with its account does not belong here.
 */
package org.postbus.fetcher.assignment;
