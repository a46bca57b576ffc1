package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.UnaryOperator;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionServer;

/** Processes that send submissions, one after the other, and may be halted. */
record SubmissionProcesses(OutboundProcess process) {

    /** Ends a process's work at this point, as a crash does. */
    static final class Halt extends Error {
        private static final long serialVersionUID = 1;
    }

    static class SubmissionServerProxy implements SubmissionServer {
        private final SubmissionServer inner;

        SubmissionServerProxy(SubmissionServer inner) {
            this.inner = inner;
        }

        @Override
        public Accepted submit(Submission submission, Runnable beforeTransmission) {
            return inner.submit(submission, beforeTransmission);
        }

        @Override
        public boolean isFiledInSent(Submission submission) {
            return inner.isFiledInSent(submission);
        }

        @Override
        public void copyToSent(Submission submission, Runnable beforeFiling) {
            inner.copyToSent(submission, beforeFiling);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    void halted(Account account, UnaryOperator<SubmissionServer> around) {
        assertThatThrownBy(() -> process.submissionFlusher("halted", around).flush(account.tenant(), account.id()))
                .isInstanceOf(Halt.class);
    }

    /** Another process takes over after the claim of the first has expired. */
    void takeOver(Account account) {
        process.database.run(
                "update submission set claimed_until = now() - interval '1 second' where account_id = ? and claimed_by is not null",
                account.id().value());
        flush(account);
    }

    /** Flushes until nothing is due. */
    void flush(Account account) {
        var flusher = process.submissionFlusher("process", server -> server);
        int rounds = 0;
        while (flusher.flush(account.tenant(), account.id())) {
            assertThat(++rounds).as("rounds").isLessThan(100);
        }
    }

    /** Makes all waiting submissions due now. */
    void makeDue() {
        process.database.run("update outbound_hold set next_try_at = now()");
        process.database.run("update submission set next_try_at = now() where next_try_at is not null");
    }

    String state(SubmissionId submission) {
        return (String) process.database.submission(submission).get("state");
    }
}
