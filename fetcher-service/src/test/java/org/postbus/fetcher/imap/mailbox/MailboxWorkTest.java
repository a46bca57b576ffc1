package org.postbus.fetcher.imap.mailbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.Cursor;

class MailboxWorkTest {
    private final Cursor.Imap cursor = new Cursor.Imap(7, 11, Optional.of(100L), 1);

    @Test
    void an_unchanged_mailbox_is_not_selected() {
        assertThat(work(10, status(10, 11, 7, 100), false)).isEqualTo(new MailboxWork.Nothing());
    }

    @Test
    void a_mailbox_without_a_cursor_is_read_for_the_first_time() {
        assertThat(MailboxWork.of(Optional.empty(), OptionalLong.of(0), status(10, 11, 7, 100), false, false))
                .isEqualTo(new MailboxWork.InitialSync());
    }

    @Test
    void an_interrupted_initial_sync_continues_with_a_resync() {
        Cursor.Imap half = new Cursor.Imap(7, 11, Optional.of(100L), 5);

        assertThat(MailboxWork.of(Optional.of(half), OptionalLong.of(6), status(10, 11, 7, 100), false, false))
                .isEqualTo(new MailboxWork.InitialSyncResumed());
        assertThat(MailboxWork.noneVanished(half, OptionalLong.of(10), OptionalLong.of(10), OptionalLong.of(11)))
                .as("what has not been read cannot be counted")
                .isFalse();
    }

    @Test
    void a_changed_uidvalidity_voids_everything() {
        assertThat(work(10, status(10, 11, 8, 100), false)).isEqualTo(new MailboxWork.UidValidityChanged(8));
    }

    @Test
    void a_changed_mod_sequence_means_changed_flags() {
        assertThat(work(10, status(10, 11, 7, 101), false)).isEqualTo(new MailboxWork.CatchUp(true, false));
    }

    @Test
    void new_mail_alone_needs_no_resync_without_mod_sequences() {
        MailboxStatus status = new MailboxStatus(
                OptionalLong.of(12),
                OptionalLong.empty(),
                OptionalLong.of(13),
                OptionalLong.of(7),
                OptionalLong.empty(),
                Optional.empty());

        assertThat(work(10, status, false)).isEqualTo(new MailboxWork.CatchUp(false, true));
    }

    @Test
    void a_uidnext_below_the_cursor_proves_nothing() {
        assertThat(work(10, status(10, 5, 7, 100), false)).isEqualTo(new MailboxWork.CatchUp(true, true));
    }

    @Test
    void fewer_messages_than_new_uids_means_that_some_vanished() {
        MailboxStatus status = new MailboxStatus(
                OptionalLong.of(11),
                OptionalLong.empty(),
                OptionalLong.of(13),
                OptionalLong.of(7),
                OptionalLong.empty(),
                Optional.empty());

        assertThat(work(10, status, false)).isEqualTo(new MailboxWork.CatchUp(true, true));
    }

    @Test
    void dirty_flags_count_only_without_mod_sequences() {
        assertThat(work(10, status(10, 11, 7, 100), true)).isEqualTo(new MailboxWork.Nothing());
        MailboxStatus without = new MailboxStatus(
                OptionalLong.of(10),
                OptionalLong.empty(),
                OptionalLong.of(11),
                OptionalLong.of(7),
                OptionalLong.empty(),
                Optional.empty());
        assertThat(work(10, without, true)).isEqualTo(new MailboxWork.CatchUp(true, false));
    }

    @Test
    void a_full_pass_resyncs_every_mailbox() {
        assertThat(MailboxWork.of(Optional.of(cursor), OptionalLong.of(10), status(10, 11, 7, 100), false, true))
                .isEqualTo(new MailboxWork.CatchUp(true, false));
    }

    @Test
    void a_mailbox_without_status_is_resynced() {
        MailboxStatus nothing = new MailboxStatus(
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty());

        assertThat(work(10, nothing, false)).isEqualTo(new MailboxWork.CatchUp(true, true));
    }

    @Test
    void counting_never_overlooks_a_vanished_message() {
        for (long seed = 0; seed < 2000; seed++) {
            Random random = new Random(seed);
            int known = random.nextInt(6);
            int newUids = random.nextInt(6);
            int arrived = newUids == 0 ? 0 : random.nextInt(newUids + 1);
            int gone = known == 0 ? 0 : random.nextInt(known + 1);

            boolean proven = MailboxWork.noneVanished(
                    cursor,
                    OptionalLong.of(known),
                    OptionalLong.of(known - gone + arrived),
                    OptionalLong.of(cursor.uidNext() + newUids));

            assertThat(proven)
                    .as("seed %d: %d known, %d gone, %d of %d new", seed, known, gone, arrived, newUids)
                    .isEqualTo(gone == 0 && arrived == newUids);
        }
    }

    private MailboxWork work(long known, MailboxStatus status, boolean flagsDirty) {
        return MailboxWork.of(Optional.of(cursor), OptionalLong.of(known), status, flagsDirty, false);
    }

    private static MailboxStatus status(long messages, long uidNext, long uidValidity, long highestModSeq) {
        return new MailboxStatus(
                OptionalLong.of(messages),
                OptionalLong.of(0),
                OptionalLong.of(uidNext),
                OptionalLong.of(uidValidity),
                OptionalLong.of(highestModSeq),
                Optional.empty());
    }
}
