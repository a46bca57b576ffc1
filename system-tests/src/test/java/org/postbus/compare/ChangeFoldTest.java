package org.postbus.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Changed;
import org.postbus.change.Origin;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

class ChangeFoldTest {
    private static final TenantId TENANT = new TenantId(new UUID(0, 1));
    private static final AccountId ACCOUNT = new AccountId(new UUID(0, 2));
    private static final EmailId EMAIL = new EmailId(new UUID(0, 3));
    private static final MailboxId INBOX = new MailboxId(new UUID(0, 4));
    private final ChangeFold fold = new ChangeFold();

    @Test
    void changes_that_fit_leave_the_last_state() {
        apply(1, new ChangeEvent.EmailCreated(email()));
        apply(2, updated(Map.of(), Map.of(Keyword.SEEN, true)));

        assertThat(fold.problems()).isEmpty();
        assertThat(fold.emails()).containsExactly(Map.entry(EMAIL, email(Keyword.SEEN)));

        apply(3, new ChangeEvent.EmailDestroyed(EMAIL));
        assertThat(fold.emails()).isEmpty();
        assertThat(fold.problems()).isEmpty();
    }

    @Test
    void a_lost_change_is_a_problem() {
        apply(1, new ChangeEvent.EmailCreated(email()));
        apply(3, new ChangeEvent.EmailDestroyed(EMAIL));

        assertThat(fold.problems()).containsExactly("change 3 EmailDestroyed: expected seq 2");
    }

    @Test
    void a_change_whose_old_value_never_existed_is_a_problem() {
        apply(1, new ChangeEvent.EmailCreated(email()));
        apply(2, updated(Map.of(Keyword.FLAGGED, true), Map.of(Keyword.SEEN, true)));

        assertThat(fold.problems()).hasSize(1).first().asString().startsWith("change 2 EmailUpdated: keywords were {}");
    }

    @Test
    void creating_twice_and_destroying_a_missing_email_are_problems() {
        apply(1, new ChangeEvent.EmailCreated(email()));
        apply(2, new ChangeEvent.EmailCreated(email()));
        apply(3, new ChangeEvent.EmailDestroyed(EMAIL));
        apply(4, new ChangeEvent.EmailDestroyed(EMAIL));

        assertThat(fold.problems())
                .containsExactly(
                        "change 2 EmailCreated: the email was there already",
                        "change 4 EmailDestroyed: there was no such email");
    }

    private void apply(long seq, ChangeEvent.Change change) {
        fold.apply(new ChangeEvent(TENANT, ACCOUNT, seq, new Origin.Server(), change));
    }

    private static ChangeEvent.EmailUpdated updated(Map<Keyword, Boolean> before, Map<Keyword, Boolean> after) {
        return new ChangeEvent.EmailUpdated(
                email(after.keySet().toArray(Keyword[]::new)),
                Optional.of(new Changed<>(before, after)),
                Optional.empty(),
                Optional.empty());
    }

    private static Email email(Keyword... keywords) {
        EmailHeaders headers = new EmailHeaders(
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("hello"),
                Optional.empty());
        return new Email(
                EMAIL,
                "thread",
                Map.of(INBOX, true),
                java.util.Arrays.stream(keywords).collect(java.util.stream.Collectors.toMap(k -> k, k -> true)),
                100,
                Instant.EPOCH,
                headers,
                false,
                "hello");
    }
}
