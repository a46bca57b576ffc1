package org.postbus.mail.imap.connection;

import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** Distinguishes a refusal by the server, after which the connection can be used, from all other failures. */
final class Refusals {
    private Refusals() {}

    /** NO or BAD, for this command alone. */
    static boolean isRejected(Throwable error) {
        return error instanceof ServerException e && e.failure() instanceof ServerFailure.Rejected;
    }

    /** BAD: the server did not understand the command. */
    static boolean isBad(Throwable error) {
        return error instanceof ServerException e
                && e.failure() instanceof ServerFailure.Rejected(var code, var text)
                && code.equals("BAD");
    }
}
