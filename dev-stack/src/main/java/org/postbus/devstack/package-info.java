/**
 * {@link DevStack}: the servers that the tests of all modules share. The servers themselves are in the packages below, none of which
 * depends on this one.
 */
package org.postbus.devstack;
