/**
 * IP addresses and networks as texts: reading them never asks a name server. Does not belong here: names of hosts, and which networks may be
 * connected to ({@code org.postbus.mail.egress}).
 */
package org.postbus.network;
