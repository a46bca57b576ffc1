package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.writer.Observations.INBOX;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.SyncState;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.ingest.ObservationDecoder;

class BatchApplierTest {
    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void an_old_fence_changes_nothing() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.claim();
        long before = alice.lastSeq();

        Outcome outcome =
                TestAccount.APPLIER.apply(alice.batch(1, 2, Observations.imap(INBOX, 2, "b@x")), TestAccount.NOW);

        assertThat(outcome).isEqualTo(new Outcome.Stale());
        assertThat(alice.lastSeq()).isEqualTo(before);
        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("a@x []")));
    }

    @Test
    void an_applied_batch_is_applied_once() {
        ObservationBatch batch = alice.batch(1, 1, Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        TestAccount.APPLIER.apply(batch, TestAccount.NOW);

        Outcome outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW);

        assertThat(outcome).isEqualTo(new Outcome.Duplicate());
        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void a_gap_ends_the_claim_and_applies_nothing() {
        Outcome gap = TestAccount.APPLIER.apply(alice.batch(1, 2, Observations.mailbox(INBOX)), TestAccount.NOW);
        Outcome late = TestAccount.APPLIER.apply(alice.batch(1, 1, Observations.mailbox(INBOX)), TestAccount.NOW);

        assertThat(gap).isEqualTo(new Outcome.Gap());
        assertThat(late).isEqualTo(new Outcome.Stale());
        assertThat(alice.number("select fence from account_sync where account_id = ?"))
                .isEqualTo(2);
        assertThat(alice.changes()).isEmpty();
    }

    @Test
    void a_state_is_emitted_when_it_differs_from_the_last_one_and_not_at_every_poll() {
        var none = Optional.<String>empty();
        var backoff = new AccountStateObserved(
                SyncState.BACKOFF, Optional.of("refused"), Optional.of(TestAccount.NOW), Optional.empty());
        var syncing = new AccountStateObserved(SyncState.SYNCING, none, Optional.empty(), Optional.empty());
        var idle = new AccountStateObserved(SyncState.IDLE, none, Optional.empty(), Optional.empty());

        long flapping = alice.apply(idle) + alice.apply(syncing) + alice.apply(idle) + alice.apply(syncing);
        long failing = alice.apply(backoff) + alice.apply(syncing) + alice.apply(backoff);
        long recovered = alice.apply(syncing) + alice.apply(idle);

        assertThat(List.of(flapping, failing, recovered)).containsExactly(1L, 1L, 1L);
        assertThat(alice.number("select count(*) from sync_log where account_id = ? and error is not null"))
                .isEqualTo(1);
    }

    @Test
    void a_batch_with_the_wrong_tenant_is_rejected() {
        ObservationBatch forged = new ObservationBatch(
                TestAccount.create().tenant, alice.account, 1, 1, List.of(Observations.mailbox(INBOX)));

        assertThatThrownBy(() -> TestAccount.APPLIER.apply(forged, TestAccount.NOW))
                .isInstanceOf(InapplicableException.class);
        assertThat(alice.changes()).isEmpty();
    }

    @Test
    void a_batch_of_a_deleted_account_changes_nothing() {
        ObservationBatch batch = new ObservationBatch(
                new TenantId(UUID.randomUUID()), new AccountId(UUID.randomUUID()), 1, 1, List.of());

        assertThat(TestAccount.APPLIER.apply(batch, TestAccount.NOW)).isEqualTo(new Outcome.AccountGone());
    }

    @Test
    void characters_that_postgresql_can_not_store_are_removed() {
        String json = new String(
                        EventCodec.encode(alice.nextBatch(
                                List.of(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x")))),
                        StandardCharsets.UTF_8)
                .replace("\"Hello\"", "\"He\\u0000l\\ud800lo \\ud83d\\ude00\"");

        TestAccount.APPLIER.apply(ObservationDecoder.decode(json.getBytes(StandardCharsets.UTF_8)), TestAccount.NOW);

        assertThat(alice.text("select preview from email where account_id = ?")).isEqualTo("Hello 😀");
    }
}
