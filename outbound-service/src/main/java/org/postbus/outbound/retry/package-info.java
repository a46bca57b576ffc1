/** How often an attempt is repeated and how long the waits are, for mutations and submissions alike. Pure: no I/O, no clock. */
package org.postbus.outbound.retry;
