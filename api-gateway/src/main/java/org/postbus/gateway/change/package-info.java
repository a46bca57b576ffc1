/**
 * What has changed, in order and without a gap: pages of the change log, and live events. Live changes only wake a stream; the change
 * log decides what it sends.
 */
package org.postbus.gateway.change;
