/**
 * JSON: the one mapper for topics, JSON columns and the API, and how enums are named in it. It knows no record of its own.
 *
 * <p>Does not belong here: what a record holds, and who sends it.
 */
package org.postbus.codec;
