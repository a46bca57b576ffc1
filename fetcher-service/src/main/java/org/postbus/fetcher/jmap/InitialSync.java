package org.postbus.fetcher.jmap;

import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailQuery;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.QueryResult;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.observation.Cursor;

/**
 * Reads all emails of an account once, the newest first, and resumes after an interruption at the last email that was published. The first page
 * of ids brings its emails in the same answer (RFC 8620 section 3.7); the emails of later pages are read by several requests at a time.
 */
final class InitialSync {
    private final JmapPassContext pass;
    private final MailboxSync mailboxes;
    private final EmailPublishing emails;

    InitialSync(JmapPassContext pass, MailboxSync mailboxes, EmailPublishing emails) {
        this.pass = pass;
        this.mailboxes = mailboxes;
        this.emails = emails;
    }

    /** The state is read before anything else: what happens during the initial sync is among the changes since that state. */
    void begin() throws InterruptedException {
        String emailState = emails.currentState();
        mailboxes.refresh();
        emails.publishCursor(emailState, Optional.empty(), false);
    }

    void run() throws InterruptedException {
        if (pass.state().mailboxState.isPresent()) {
            mailboxes.refresh();
        }
        Cursor.Jmap cursor = pass.state().emails.orElseThrow();
        FirstPage firstPage = new FirstPage(cursor.anchor().isEmpty());
        JmapIdPages pages = new JmapIdPages(firstPage, cursor.anchor());
        boolean skipStored = false;
        // Not ended after each page: the server would be idle while the next page of ids is read.
        try (PagedGet<GetResult<JmapEmail>> get = emails.get()) {
            for (List<String> page = next(pages, get); !page.isEmpty(); page = next(pages, get)) {
                if (pages.restarted() && !skipStored) {
                    pass.out().awaitApplied();
                    skipStored = true;
                }
                List<String> wanted = skipStored ? emails.withoutStored(page) : page;
                Optional<GetResult<JmapEmail>> included = firstPage.takeEmails();
                if (included.isPresent()) {
                    emails.publish(wanted, included.get());
                    firstPage.release();
                } else {
                    get.ask(emails.withoutUnread(wanted));
                }
                Optional<String> last = Optional.of(page.getLast());
                get.then(() -> emails.publishCursor(cursor.state(), last, false));
            }
            get.end();
        }
        emails.publishCursor(cursor.state(), Optional.empty(), true);
    }

    /** If it fails, the earlier pages are published all the same: a server that always fails at this one is not asked for them again. */
    private static List<String> next(JmapIdPages pages, PagedGet<?> before) throws InterruptedException {
        try {
            return pages.next();
        } catch (ServerException e) {
            before.end();
            throw e;
        }
    }

    /** Queries pages of ids, the first of them together with its emails. */
    private final class FirstPage implements JmapIdPages.Query {
        private boolean withEmails;
        private Optional<GetResult<JmapEmail>> included = Optional.empty();
        private Optional<JmapClient.Held<JmapResults>> holding = Optional.empty();

        FirstPage(boolean withEmails) {
            this.withEmails = withEmails && pass.callsMax() >= 2;
        }

        @Override
        public List<String> page(QueryStart start, int limit) throws InterruptedException {
            if (!withEmails) {
                return emails.idPage(start, limit);
            }
            withEmails = false;
            JmapRequest request = new JmapRequest();
            JmapRequest.Call<QueryResult> query =
                    request.add(new EmailQuery(start, Math.min(limit, pass.emailsPerAnswer())));
            JmapRequest.Call<GetResult<JmapEmail>> get =
                    request.add(new EmailGet(query.result("/ids"), EmailPublishing.BODIES));
            try {
                JmapClient.Held<JmapResults> held = pass.send(request);
                release();
                holding = Optional.of(held);
                List<String> ids = held.result().get(query).ids();
                included = EmailPublishing.ifAnswered(held.result(), get);
                return ids;
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)
                        && !JmapFailures.isAnswer(e.failure())
                        && !GetSizeLimit.isAnswerTooLarge(e.failure())) {
                    throw e;
                }
                return emails.idPage(start, limit);
            }
        }

        /** The emails that were taken are published. */
        void release() {
            holding.ifPresent(JmapClient.Held::close);
            holding = Optional.empty();
        }

        /** The emails of the page that was queried last, if they came with it. */
        Optional<GetResult<JmapEmail>> takeEmails() {
            Optional<GetResult<JmapEmail>> taken = included;
            included = Optional.empty();
            return taken;
        }
    }
}
