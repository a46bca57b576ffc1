/**
 * JMAP over HTTP: the session, requests, blobs, discovery, and which hosts may see the credential. {@code JmapClient} has the calls.
 *
 * <p>The services decide which calls are made; push belongs in {@code push}.
 */
package org.postbus.mail.jmap.http;
