/** The arguments of the launcher's commands: words, options and flags. What they mean belongs to the commands. Depends on no other package. */
package org.postbus.devstack.options;
