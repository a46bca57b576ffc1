/**
 * What a mail server may answer, and what all protocols share: {@code ServerFailure} is the one vocabulary of what can
 * go wrong, {@code ServerException} carries it, and the limits of text are defined here ({@code Text}, {@code
 * BodyTexts}, {@code HeaderBudget}).
 *
 * <p>Code for one protocol does not belong here. All other packages may depend on this one; it depends on none of them.
 */
package org.postbus.mail;
