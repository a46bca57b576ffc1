/**
 * The fetcher service: reads every change from IMAP and JMAP servers and publishes it to {@code postbus.observations}. This package only
 * assembles it: configuration and wiring. {@code assignment} decides which accounts to sync, {@code loop} syncs each, {@code imap} and {@code
 * jmap} read servers, {@code publish} sends to Kafka, {@code store} holds all SQL.
 */
package org.postbus.fetcher;
