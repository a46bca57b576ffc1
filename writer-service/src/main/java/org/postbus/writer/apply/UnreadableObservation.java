package org.postbus.writer.apply;

/**
 * An observation of a batch that cannot be decoded, and is left out of it.
 *
 * @param reason for operators; storable
 */
public record UnreadableObservation(byte[] json, String reason) {}
