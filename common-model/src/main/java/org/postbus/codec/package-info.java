/**
 * JSON: the one mapper for topics, JSON columns and the API, and how enums are named in it. It depends on no record.
 *
 * <p>Does not belong here: what a record holds, and who sends it.
 */
package org.postbus.codec;
