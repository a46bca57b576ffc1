/**
 * How long items and whole queues wait before they are tried again. Pure: no I/O, no clock. What a failure means for an item is decided in {@code
 * mutation} and {@code submission}.
 */
package org.postbus.outbound.retry;
