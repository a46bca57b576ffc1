/**
 * The keyset of a service that reads or writes credentials: its settings, and that a changed file is noticed.
 *
 * <p>Does not belong here: the format of the file and the encryption ({@code account.cipher} in common-model).
 */
package org.postbus.kit.keyset;
