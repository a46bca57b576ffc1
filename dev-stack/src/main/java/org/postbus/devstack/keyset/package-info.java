/**
 * The command {@code ./postbus keyset}: rotates the keyset that encrypts credentials.
 *
 * <p>Does not belong here: the keyset and its file ({@code account.cipher} in common-model), encrypting credentials again (api-gateway).
 */
package org.postbus.devstack.keyset;
