/**
 * What loops and both protocols use, and what all accounts share: the contract of a source, the fetcher context, budgets of hosts, backoff,
 * wake-ups, schedules. IMAP and JMAP commands do not belong here.
 */
package org.postbus.fetcher.source;
