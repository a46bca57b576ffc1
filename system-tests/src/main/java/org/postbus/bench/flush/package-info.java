/**
 * {@code bench flush}: mutations on their way to the mail server.
 */
package org.postbus.bench.flush;
