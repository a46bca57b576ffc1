/**
 * Content that is not in the database: raw messages, attachments and large bodies are read from the mail server on request, chunk
 * by chunk, on virtual threads. Bodies that were read are stored in the database; nothing else is stored.
 */
package org.postbus.gateway.content;
