package org.postbus.writer.decide;

import java.util.Set;
import org.postbus.observation.EmailIdentity;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * Keys by which the stored emails are found that a run of observations may mean.
 *
 * @param fingerprints only of interest for emails that are in no mailbox
 */
public record EmailKeys(Set<EmailIdentity> identities, Set<Location> locations, Set<Fingerprint> fingerprints) {}
