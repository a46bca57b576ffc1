/** What mutations and submissions have in common in the API: why they wait. The queues themselves belong in {@code mutation} and {@code submission}. */
package org.postbus.gateway.queue;
