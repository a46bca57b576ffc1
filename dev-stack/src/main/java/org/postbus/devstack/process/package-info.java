/**
 * Processes on this machine and what they need: child processes and their termination, free ports, directories, secrets in files, and the class
 * paths of built modules.
 *
 * <p>Does not belong here: which programs are started.
 */
package org.postbus.devstack.process;
