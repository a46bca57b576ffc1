package org.postbus.mail.mime.header;

/**
 * Limits of the header of one entity.
 *
 * @param fieldsMax header fields that are kept
 * @param bytesMax bytes of all fields that are kept
 * @param depthMax entities within entities; a deeper multipart is not divided
 */
public record HeaderLimits(int fieldsMax, int bytesMax, int depthMax) {}
