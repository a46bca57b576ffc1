/**
 * All of Postbus on this machine: the four services as processes, and everything they need, from one directory.
 *
 * <p>The command line belongs in {@code launcher}; tests and benchmarks start Postbus through this package.
 */
package org.postbus.devstack.local;
