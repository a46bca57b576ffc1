/**
 * {@code bench fairness}: one tenant's mail while another tenant adds many accounts, and while the fetcher restarts with them.
 */
package org.postbus.bench.fairness;
