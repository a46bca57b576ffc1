/**
 * The rotation of the keyset that encrypts credentials: encrypting again what an old key encrypted, and how many credentials each key still
 * encrypts.
 *
 * <p>Does not belong here: reading the keyset ({@code config}), changing its file (the command {@code keyset} of {@code ./postbus}).
 */
package org.postbus.gateway.keyset;
