/**
 * Compares the states of an account: on its mail server, in the database, and as a subscriber of {@code postbus.changes} derives it.
 *
 * <p>Reads servers and rows without the code of the services, which is under test. Starting and driving Postbus does not belong here.
 */
package org.postbus.compare;
