/**
 * What a loop needs of a mail server whatever its protocol, and what all accounts share: the contract of a source, the fetcher context, budgets
 * of hosts, backoff, wake-ups, schedules. Nothing here knows IMAP or JMAP commands.
 */
package org.postbus.fetcher.source;
