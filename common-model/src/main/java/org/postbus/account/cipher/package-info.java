/**
 * Encryption of stored credentials with Tink, and the keyset file that it needs. The only code of this module that reads and writes files.
 *
 * <p>Does not belong here: which credentials exist ({@code account}).
 */
package org.postbus.account.cipher;
