package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.observation.ReadFailures;
import org.postbus.observation.UidRange;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

class NotReadMessagesTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final TestAccount alice = TestAccount.create();

    private static ReadFailures failures(boolean quarantined, int refusals) {
        return new ReadFailures(quarantined, refusals, 0, NOON, NOON.plusSeconds(refusals), NOON.plusSeconds(100));
    }

    private static MessageNotRead message(boolean quarantined, int refusals) {
        return MessageNotRead.imap(INBOX, 1, 7, "NO System Error", failures(quarantined, refusals));
    }

    private long rows(String where) {
        return alice.number("select count(*) from quarantine_view where account_id = ? and " + where);
    }

    @Test
    void a_deferred_message_becomes_quarantined_and_ends_when_it_is_read() {
        alice.apply(Observations.mailbox(INBOX), message(false, 1));
        alice.apply(message(false, 2), message(false, 2));
        assertThat(rows("state = 'deferred' and refusals = 2 and uid = 7")).isEqualTo(1);

        alice.apply(message(true, 5));
        assertThat(rows("state = 'quarantined' and refusals = 5")).isEqualTo(1);

        alice.apply(Observations.imap(INBOX, 7, "a@x"), Observations.pass());
        assertThat(rows("true")).isZero();
    }

    @Test
    void a_message_of_an_earlier_build_is_quarantined_and_tried_again_at_once() {
        alice.apply(
                Observations.mailbox(INBOX),
                new MessageNotRead(INBOX, 1, 7, "NO [SERVERBUG]", Optional.empty(), Optional.empty()));

        assertThat(rows("state = 'quarantined' and next_try_at <= now()")).isEqualTo(1);
        alice.apply(new UidsVanished(INBOX, 1, List.of(new UidRange(1, 9))));
        assertThat(rows("true")).isZero();
    }

    @Test
    void an_email_of_jmap_has_no_location_and_ends_when_it_is_read_or_destroyed() {
        alice.apply(
                MessageNotRead.jmap("e1", "Email/get: serverFail", failures(false, 1)),
                MessageNotRead.jmap("e2", "Email/get: serverFail", failures(false, 1)),
                MessageNotRead.jmap("e2", "Email/get: serverFail", failures(true, 5)));
        assertThat(rows("mailbox_id is null and jmap_id in ('e1', 'e2')")).isEqualTo(2);
        assertThat(rows("state = 'quarantined' and jmap_id = 'e2'")).isEqualTo(1);

        alice.apply(new EmailsDestroyed(List.of("e1")));
        assertThat(rows("jmap_id = 'e1'")).isZero();
        alice.apply(Observations.mailbox(INBOX), Observations.jmap("e2", Set.of(INBOX)), Observations.pass());
        assertThat(rows("true")).isZero();
    }
}
