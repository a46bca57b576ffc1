/**
 * The public contract: what changed in the database, as subscribers receive it. Start with {@link org.postbus.change.ChangeEvent};
 * {@code docs/events.md} explains each change with an example.
 *
 * <p>Does not belong here: what only Postbus's own services read.
 */
package org.postbus.change;
