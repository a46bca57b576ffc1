/**
 * {@code bench sync}: the initial sync of a mailbox.
 */
package org.postbus.bench.sync;
