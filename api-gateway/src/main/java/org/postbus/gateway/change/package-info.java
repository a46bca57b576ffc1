/**
 * What has changed, in order and without a gap: pages of the change log, and live events. A stream sends a live change only if
 * its seq is the next one of its account; the changes between are read from the change log.
 */
package org.postbus.gateway.change;
