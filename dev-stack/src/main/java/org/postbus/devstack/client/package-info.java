/**
 * Clients of Postbus: the REST API, the live events of {@code /v1/events}, and a subscriber of {@code postbus.changes}.
 *
 * <p>Clients of mail servers belong in {@code rawclient}.
 */
package org.postbus.devstack.client;
