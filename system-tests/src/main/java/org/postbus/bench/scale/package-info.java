/**
 * {@code bench scale}: what an account costs in a large database, beside the same in a small one.
 */
package org.postbus.bench.scale;
