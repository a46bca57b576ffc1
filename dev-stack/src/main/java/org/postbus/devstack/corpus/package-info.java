/**
 * Generated mail that resembles a real mailbox, reproducible from a seed. No I/O and no clock.
 */
package org.postbus.devstack.corpus;
