package org.postbus.fetcher.store;

/** The account was claimed by another loop after this one, or is gone: nothing of this claim is applied any more. */
public final class FenceLostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public FenceLostException(String why) {
        super(why);
    }

    /** @param now 0 if the account is gone */
    public static FenceLostException overtaken(long fence, long now) {
        return new FenceLostException(
                now == 0 ? "the account is gone" : "fence " + fence + " was overtaken by fence " + now);
    }
}
