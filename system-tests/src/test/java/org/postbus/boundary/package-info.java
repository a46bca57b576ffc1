/**
 * Attacks on the boundary between tenants, services and the machine: each test does what an attacker would do and expects a refusal.
 *
 * <p>Does not belong here: what one service refuses by itself, which its own module tests.
 */
package org.postbus.boundary;
