/**
 * The program behind {@code ./postbus up} and {@code ./postbus demo}: arguments, exit codes, and the demonstration.
 */
package org.postbus.devstack.launcher;
