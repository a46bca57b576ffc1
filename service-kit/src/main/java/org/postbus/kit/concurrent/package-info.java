/**
 * Waiting, loops, pulls and pools for code on virtual threads: what a service builds its own concurrency from. Depends on Vert.x and Mutiny
 * only for the types that it waits for. SQL, Kafka and mail do not belong here.
 */
package org.postbus.kit.concurrent;
