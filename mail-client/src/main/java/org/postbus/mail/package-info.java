/**
 * What a mail server may answer, and what all protocols share: {@code ServerFailure} is the one vocabulary of what can go wrong,
 * {@code ServerException} carries it, and the limits of text are kept here ({@code Text}, {@code BodyTexts}, {@code HeaderBudget}).
 *
 * <p>Nothing here knows a protocol. Every other package may use this one; it uses none of them.
 */
package org.postbus.mail;
