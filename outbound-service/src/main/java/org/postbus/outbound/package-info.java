/**
 * Starts and stops the service: wiring and settings only. Nothing else belongs here, and no other package depends on this one.
 */
package org.postbus.outbound;
