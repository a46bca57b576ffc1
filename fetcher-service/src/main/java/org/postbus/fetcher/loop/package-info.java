/**
 * One loop for each account: claim, connect, pass, wait, and what a failure means. Also the schedules of polls and login attempts, which are
 * pure, and the meters of accounts. How a server is read does not belong here.
 */
package org.postbus.fetcher.loop;
