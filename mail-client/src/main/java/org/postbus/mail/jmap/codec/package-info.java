/**
 * JSON of JMAP (RFC 8620, RFC 8621): requests are written exactly; of responses what is understood is read and the rest left, so
 * one odd email does not hold up the others.
 *
 * <p>Pure: trees of JSON go in and come out.
 */
package org.postbus.mail.jmap.codec;
