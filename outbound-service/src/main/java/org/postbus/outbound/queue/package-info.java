/**
 * Decides when an account is flushed: notifications, sweeps for due items, and the bounds of concurrency. Also what concerns the queues as a
 * whole: gauges, metrics and the deletion of old rows. What a flush does belongs in {@code flush}; the SQL of single rows in {@code table}.
 */
package org.postbus.outbound.queue;
