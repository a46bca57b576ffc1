/**
 * {@code bench idle}: memory and logins of a fetcher whose accounts have no activity.
 */
package org.postbus.bench.idle;
