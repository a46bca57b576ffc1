/**
 * Processes on this machine and what they need: child processes and their end, free ports, directories, secrets in files, and the class paths of
 * built modules.
 *
 * <p>Nothing here knows which programs are started.
 */
package org.postbus.devstack.process;
