/**
 * What a mail server said, in batches from fetchers to the writer: observations, the server's own ids of emails and mailboxes, and cursors.
 * Start with {@link org.postbus.observation.Observation}.
 *
 * <p>Does not belong here: what the database made of it ({@code change}), and protocol details of mail servers (mail-client).
 */
package org.postbus.observation;
