package org.postbus.fetcher.jmap;

import org.postbus.mail.ServerFailure;

/**
 * How many objects one request asks for. It is halved when the server finds a request too large, whatever its session object allows, and when
 * an answer is larger than this client reads.
 */
final class GetSizeLimit {
    private int max;

    GetSizeLimit(int max) {
        this.max = max;
    }

    int max(int allowedByTheServer) {
        return Math.min(max, allowedByTheServer);
    }

    /** @return false if the size was not the cause, or if there is no smaller request */
    boolean reduce(ServerFailure failure, int asked) {
        boolean tooLarge = isAnswerTooLarge(failure)
                || (failure instanceof ServerFailure.Rejected(var code, var text)
                        && (code.equals("requestTooLarge") || code.startsWith("limit:")));
        if (!tooLarge || asked < 2) {
            return false;
        }
        max = Math.min(max, asked / 2);
        return true;
    }

    static boolean isAnswerTooLarge(ServerFailure failure) {
        return failure instanceof ServerFailure.LimitExceeded;
    }
}
