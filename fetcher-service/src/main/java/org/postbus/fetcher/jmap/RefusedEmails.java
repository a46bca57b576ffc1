package org.postbus.fetcher.jmap;

import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.ReadFailures;

/**
 * Emails for which the server answers with an error, or leaves out of its answer. A request that is refused is repeated for halves of its ids until
 * the refused email is alone; that one is deferred, so that the others are published and the state passes it. If the server refuses many requests
 * in a row, it refuses everything at the moment, and the pass ends. Belongs to one pass.
 */
final class RefusedEmails {
    /** Halving a page of 50 to one email takes 6. */
    private static final int REFUSED_IN_A_ROW_MAX = 12;

    private static final Logger LOG = Logger.getLogger(RefusedEmails.class);

    private final JmapPassContext pass;
    private int inARow;
    private boolean retrying;
    /** Whether the server returns emails in this pass; empty until it is known. */
    private Optional<Boolean> returning = Optional.empty();

    RefusedEmails(JmapPassContext pass) {
        this.pass = pass;
    }

    /** Whether the failure is an answer to the request, so that a smaller request may be answered. */
    boolean maySplit(ServerFailure failure) {
        boolean temporary = failure instanceof ServerFailure.Unreachable || failure instanceof ServerFailure.Rejected;
        return temporary && JmapFailures.isAnswer(failure) && (++inARow < REFUSED_IN_A_ROW_MAX || retrying);
    }

    /** From now on emails are asked for one by one, and a refusal does not end the pass. */
    void beginRetries() {
        retrying = true;
        inARow = 0;
    }

    boolean isRetrying() {
        return retrying;
    }

    void returned() {
        inARow = 0;
        returning = Optional.of(true);
    }

    /** Whether so much was refused in a row that nothing more should be asked for in this pass. */
    boolean isEverythingRefused() {
        return inARow >= REFUSED_IN_A_ROW_MAX;
    }

    /** The email is not asked for in this pass: this is no refusal of it. */
    void postpone(String id) throws InterruptedException {
        publish(id, new Cause.Refused(false), "the server refuses many emails in a row");
    }

    /** The email alone is refused. */
    void defer(String id, String reason) throws InterruptedException {
        if (returning.isEmpty()) {
            returning = Optional.of(returnsAnother());
        }
        publish(id, new Cause.Refused(returning.get()), reason);
    }

    private void publish(String id, Cause cause, String reason) throws InterruptedException {
        ReadFailures failures = pass.state().notRead.failed(id, cause, pass.now());
        LOG.infof(
                "account %s: an email is %s: %s",
                pass.account(), failures.quarantined() ? "quarantined" : "deferred", reason);
        pass.out()
                .add(MessageNotRead.jmap(id, Text.cut(Text.clean(reason), MessageNotRead.REASON_LENGTH_MAX), failures));
    }

    /** Whether the server returns an email that is stored: then those that it refuses may be the cause. */
    private boolean returnsAnother() throws InterruptedException {
        List<String> stored = pass.stored().ids("", 1);
        if (stored.isEmpty() || pass.state().notRead.contains(stored.getFirst())) {
            return false;
        }
        try {
            return !pass.call(new EmailGet(Ids.these(stored), EmailPublishing.BODIES))
                    .list()
                    .isEmpty();
        } catch (ServerException e) {
            if (!JmapFailures.isAnswer(e.failure())) {
                throw e;
            }
        }
        return false;
    }
}
