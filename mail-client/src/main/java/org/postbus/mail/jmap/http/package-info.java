/**
 * JMAP over HTTP: the session, requests, blobs, discovery, and which hosts may see the credential. {@code JmapClient} has the calls.
 *
 * <p>Which calls are made is up to the services; push belongs in {@code push}.
 */
package org.postbus.mail.jmap.http;
