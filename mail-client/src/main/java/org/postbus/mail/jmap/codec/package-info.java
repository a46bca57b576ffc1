/**
 * JSON of JMAP (RFC 8620, RFC 8621): requests are written exactly as the RFCs say. In the objects of a response,
 * unknown properties are ignored and malformed ones are read as absent, so that one malformed email does not prevent
 * the others from being read.
 *
 * <p>Pure: trees of JSON go in and come out.
 */
package org.postbus.mail.jmap.codec;
