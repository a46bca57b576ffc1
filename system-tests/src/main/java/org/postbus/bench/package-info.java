/** The program behind {@code ./postbus bench}: arguments and exit codes. Each benchmark has a package below. */
package org.postbus.bench;
