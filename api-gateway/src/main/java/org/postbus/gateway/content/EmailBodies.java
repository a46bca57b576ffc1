package org.postbus.gateway.content;

import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/** Reads bodies that the sync did not store. */
@ApplicationScoped
public class EmailBodies {
    /** A user is waiting for the rest of the email. */
    static final Duration TIME_MAX = Duration.ofSeconds(15);

    private final Content content;
    private final MeterRegistry metrics;

    EmailBodies(Content content, MeterRegistry metrics) {
        this.content = content;
        this.metrics = metrics;
    }

    /** The result. */
    public sealed interface Fetched {
        record Body(EmailBody body) implements Fetched {
            public Body {
                Objects.requireNonNull(body);
            }
        }

        record Missing(BodyMissing missing) implements Fetched {
            public Missing {
                Objects.requireNonNull(missing);
            }
        }
    }

    /**
     * Why an email comes without its body.
     *
     * @param reason {@code server-away}, {@code login-refused}, {@code moved}, {@code gone}, {@code refused} or {@code busy}
     * @param retryAfter in seconds; absent if a new try makes no sense before something else has changed
     */
    public record BodyMissing(String reason, String detail, Optional<Long> retryAfter) {
        public BodyMissing {
            Objects.requireNonNull(reason);
            Objects.requireNonNull(detail);
            Objects.requireNonNull(retryAfter);
        }

        static BodyMissing of(ContentFailure failure) {
            return new BodyMissing(
                    failure.reason(), failure.detail(), failure.retryIn().map(Duration::toSeconds));
        }
    }

    /**
     * Reads, parses and stores the body on a virtual thread, and completes there. Fails with a problem for what does not exist or belongs to
     * another tenant.
     */
    public Uni<Fetched> fetch(TenantId tenant, AccountId account, EmailId email) {
        return Uni.createFrom()
                .<Fetched>emitter(emitter -> {
                    Thread thread = Thread.ofVirtual().name("body").unstarted(() -> {
                        try {
                            emitter.complete(fetched(tenant, account, email));
                        } catch (InterruptedException | RuntimeException e) {
                            emitter.fail(e);
                        }
                    });
                    emitter.onTermination(() -> {
                        if (Thread.currentThread() != thread) {
                            thread.interrupt();
                        }
                    });
                    thread.start();
                })
                .ifNoItem()
                .after(TIME_MAX)
                .recoverWithItem(() -> missing(new ContentFailure.Unavailable(
                        "the mail server did not send the body within " + TIME_MAX.toSeconds() + " seconds",
                        ContentFailure.UNAVAILABLE_RETRY)));
    }

    private Fetched fetched(TenantId tenant, AccountId account, EmailId email) throws InterruptedException {
        try {
            Fetched body = new Fetched.Body(content.body(tenant, account, email).body());
            count("done");
            return body;
        } catch (ContentException e) {
            return missing(e.failure());
        } catch (ServerException e) {
            return missing(ContentFailure.of(e.failure()));
        }
    }

    private Fetched missing(ContentFailure failure) {
        count(failure.reason());
        return new Fetched.Missing(BodyMissing.of(failure));
    }

    private void count(String outcome) {
        metrics.counter("postbus.gateway.downloads", "kind", "body", "outcome", outcome)
                .increment();
    }
}
