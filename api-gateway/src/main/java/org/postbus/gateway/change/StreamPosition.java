package org.postbus.gateway.change;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;

/**
 * The seq of the last change that a stream has sent, for each account. It is the {@code id} of the stream's events: a client that sends it as
 * Last-Event-ID gets exactly the changes that follow, from any gateway. One number is not enough, because each account has its own sequence,
 * and the order between accounts is not stored.
 *
 * <p>In URL-safe Base64: the octet 1, then for each account that has had a change the last 8 octets of its id (62 random
 * bits of a UUIDv7) and its seq, 7 bits per octet, the lowest first.
 */
record StreamPosition(Map<Long, Long> seqs) {
    /** With about 11 octets each, a position fits into a header of 8 KiB. */
    static final int ACCOUNTS_MAX = 500;

    private static final byte VERSION = 1;

    StreamPosition {
        seqs = Map.copyOf(seqs);
    }

    static StreamPosition of(Map<AccountId, Long> seqs) {
        Map<Long, Long> byTail = new HashMap<>();
        seqs.forEach((account, seq) -> {
            if (seq > 0) {
                byTail.put(tail(account), seq);
            }
        });
        return new StreamPosition(byTail);
    }

    /** 0 for an account that had no change or did not exist. */
    long seqOf(AccountId account) {
        return seqs.getOrDefault(tail(account), 0L);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 400 */
    static StreamPosition parse(String text) {
        ByteBuffer bytes;
        try {
            bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            throw malformed();
        }
        if (!bytes.hasRemaining() || bytes.get() != VERSION) {
            throw malformed();
        }
        Map<Long, Long> seqs = new HashMap<>();
        while (bytes.hasRemaining()) {
            if (bytes.remaining() <= Long.BYTES || seqs.size() == ACCOUNTS_MAX) {
                throw malformed();
            }
            seqs.put(bytes.getLong(), number(bytes));
        }
        return new StreamPosition(seqs);
    }

    String text() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 + seqs.size() * 11);
        bytes.write(VERSION);
        new TreeMap<>(seqs).forEach((tail, seq) -> {
            bytes.writeBytes(ByteBuffer.allocate(Long.BYTES).putLong(tail).array());
            long rest = seq;
            while (rest > 0x7F) {
                bytes.write((int) (rest & 0x7F | 0x80));
                rest >>>= 7;
            }
            bytes.write((int) rest);
        });
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.toByteArray());
    }

    private static long number(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE - 1; shift += 7) {
            if (!bytes.hasRemaining()) {
                throw malformed();
            }
            byte octet = bytes.get();
            value |= (long) (octet & 0x7F) << shift;
            if (octet >= 0) {
                return value;
            }
        }
        throw malformed();
    }

    private static long tail(AccountId account) {
        return account.value().getLeastSignificantBits();
    }

    private static RuntimeException malformed() {
        return Problem.badRequest("Last-Event-ID must be the id of an event of this API; leave it out to begin now");
    }
}
