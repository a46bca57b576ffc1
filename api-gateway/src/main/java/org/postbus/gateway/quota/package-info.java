/**
 * What a tenant may use: limits, and how much is used. A rate or a number at a time is limited in each gateway process; what is stored is
 * counted in the database, in the transaction that adds to it. Which requests a quota applies to is decided by the resources, which call
 * this package. Does not belong here: limits of a single request (packages {@code body} and {@code rest}), and event streams.
 */
package org.postbus.gateway.quota;
