package org.postbus.fetcher.jmap;

import org.postbus.mail.ServerFailure;

/** How many objects one request asks for. A server that finds it too much, whatever its session says, is asked for half as many. */
final class GetSizeLimit {
    private int most;

    GetSizeLimit(int most) {
        this.most = most;
    }

    int most(int allowedByTheServer) {
        return Math.min(most, allowedByTheServer);
    }

    /** @return false if that was not the trouble, or if there is no less to ask for */
    boolean isLess(ServerFailure failure, int asked) {
        boolean tooMuch = failure instanceof ServerFailure.Rejected(var code, var text)
                && (code.equals("requestTooLarge") || code.equals("answer-too-large") || code.startsWith("limit:"));
        if (!tooMuch || asked < 2) {
            return false;
        }
        most = Math.min(most, asked / 2);
        return true;
    }
}
