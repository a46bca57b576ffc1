/** The JMAP calls that mutations need, computed from the server snapshot. Pure: no I/O, no clock. Sending them belongs in {@code jmap}. */
package org.postbus.outbound.jmap.plan;
