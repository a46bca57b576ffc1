package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.UnaryOperator;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionServer;

/** Processes that send, one after the other, and what can happen to them. */
record SubmissionProcesses(OutboundProcess side) {

    /** The rest of a process's work never happens. */
    static final class Halt extends Error {
        private static final long serialVersionUID = 1;
    }

    static class Around implements SubmissionServer {
        private final SubmissionServer inner;

        Around(SubmissionServer inner) {
            this.inner = inner;
        }

        @Override
        public Taken submit(Submission submission, Runnable handingOver) {
            return inner.submit(submission, handingOver);
        }

        @Override
        public boolean isFiledInSent(Submission submission) {
            return inner.isFiledInSent(submission);
        }

        @Override
        public void copyToSent(Submission submission) {
            inner.copyToSent(submission);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    void halted(Account account, UnaryOperator<SubmissionServer> around) {
        assertThatThrownBy(() -> side.sendingProcess("halted", around).flush(account.tenant(), account.id()))
                .isInstanceOf(Halt.class);
    }

    /** Another process, when the claim of the one before has run out. */
    void takeOver(Account account) {
        side.database.run(
                "update submission set claimed_until = now() - interval '1 second' where account_id = ? and claimed_by is not null",
                account.id().value());
        flush(account);
    }

    /** Until nothing is due. */
    void flush(Account account) {
        var process = side.sendingProcess("process", server -> server);
        int rounds = 0;
        while (process.flush(account.tenant(), account.id())) {
            assertThat(++rounds).as("rounds").isLessThan(100);
        }
    }

    /** What waits is due now. */
    void hurry() {
        side.database.run("update submission set next_try_at = now() where next_try_at is not null");
    }

    String state(SubmissionId submission) {
        return (String) side.database.submission(submission).get("state");
    }
}
