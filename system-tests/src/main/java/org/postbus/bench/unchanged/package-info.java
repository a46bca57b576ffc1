/**
 * {@code bench unchanged}: a sync pass over a mailbox without changes.
 */
package org.postbus.bench.unchanged;
