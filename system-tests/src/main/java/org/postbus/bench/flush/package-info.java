/**
 * {@code bench flush}: how fast requested mutations are applied on the mail server.
 */
package org.postbus.bench.flush;
