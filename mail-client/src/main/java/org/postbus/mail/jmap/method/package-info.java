/**
 * The calls of JMAP and their results as values: {@code JmapMethod}, {@code JmapRequest}, {@code JmapResults}, and what a method's
 * error means.
 *
 * <p>Pure. Their JSON belongs in {@code codec}, sending them in {@code http}.
 */
package org.postbus.mail.jmap.method;
