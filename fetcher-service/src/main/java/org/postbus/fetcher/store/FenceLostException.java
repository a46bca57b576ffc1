package org.postbus.fetcher.store;

/** Somebody claimed the account after us, or its cursors are not to be trusted any more: it must be claimed anew. */
public final class FenceLostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public FenceLostException(String why) {
        super(why);
    }
}
