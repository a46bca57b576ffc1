/**
 * Authentication and authorization of requests: who makes a request ({@code Identity}: an API key or a token), from where, and whether that
 * allows the route ({@code Routes}). Also what follows from it later: ending long requests whose credential was revoked, last uses, the
 * throttling of wrong credentials. Does not belong here: making keys ({@code key}), and which rows a tenant may see, which
 * row-level security in the database decides.
 */
package org.postbus.gateway.authentication;
