package org.postbus.account.cipher;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Identifies a key in a keyset. No secret: Tink writes it into each ciphertext, after a first byte that is 1.
 *
 * @param value as Tink has it; {@link #toString()} is the unsigned decimal number that Tink's own tools show
 */
public record KeyId(int value) {
    private static final int TINK_PREFIX = 1;
    private static final int PREFIX_BYTES = 5;

    /** @throws IllegalArgumentException if it is no unsigned number of 32 bits */
    public static KeyId parse(String decimal) {
        return new KeyId(Integer.parseUnsignedInt(decimal));
    }

    /** The key that a ciphertext names. Empty if it is none of Tink's. */
    public static Optional<KeyId> ofCiphertext(byte[] ciphertext) {
        return ciphertext.length < PREFIX_BYTES || ciphertext[0] != TINK_PREFIX
                ? Optional.empty()
                : Optional.of(
                        new KeyId(ByteBuffer.wrap(ciphertext, 1, Integer.BYTES).getInt()));
    }

    /** @param bytes as {@link #bytes()} */
    public static KeyId of(byte[] bytes) {
        return new KeyId(ByteBuffer.wrap(bytes).getInt());
    }

    /** The four bytes that a ciphertext contains. */
    public byte[] bytes() {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    /** As a number that JSON and metrics can carry. */
    public long unsigned() {
        return Integer.toUnsignedLong(value);
    }

    @Override
    public String toString() {
        return Integer.toUnsignedString(value);
    }
}
