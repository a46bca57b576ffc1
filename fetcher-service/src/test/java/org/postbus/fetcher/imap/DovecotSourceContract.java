package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.change.ChangeEvent;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.Dovecot;

/** What holds for every Dovecot. It has no OBJECTID, so moves are detected by fingerprints only. */
public abstract class DovecotSourceContract extends ImapSourceContract {
    @BeforeAll
    public static void needsDovecot() {
        boolean there = Dovecot.isInstalled() || Dovecot.isRequired();
        if (!there) {
            System.err.println("NOT TESTED: IMAP on Dovecot, for it is not installed (apt-get install dovecot-imapd)");
        }
        assumeTrue(there, "Dovecot is not installed (apt-get install dovecot-imapd)");
    }

    /** Capabilities that the server does not advertise. */
    abstract Set<String> hidden();

    @Override
    public String host() {
        return Dovecot.HOST;
    }

    private Dovecot.User login() {
        return new Dovecot.User(user, new Secret(PASSWORD));
    }

    @Override
    int portOfNewUser() {
        return DevStack.dovecot(hidden(), login()).ports().imap();
    }

    @Override
    char delimiter() {
        return '/';
    }

    @Test
    void a_uidvalidity_change_is_one_reset_and_its_emails_stay() {
        fill("INBOX", 30);
        other.create("Apart");
        fill("Apart", 10);
        fetcher.start(account);
        awaitEqual();
        Map<String, String> before = emailIds();
        long seqBefore = changeSeq();

        DevStack.dovecot(hidden()).changeUidValidity(login(), "INBOX", 1_900_000_000L);
        other.close();
        other = org.postbus.devstack.rawclient.RawImap.login(host(), portOfNewUser(), user, PASSWORD);
        other.addFlags(select("INBOX").subList(0, 1), "\\Answered");
        awaitEqual();
        passes(2);

        assertThat(emailIds()).isEqualTo(before);
        assertThat(changesAfter(seqBefore))
                .filteredOn(ChangeEvent.MailboxReset.class::isInstance)
                .hasSize(1);
        assertThat(changesAfter(seqBefore))
                .filteredOn(change ->
                        change instanceof ChangeEvent.EmailCreated || change instanceof ChangeEvent.EmailDestroyed)
                .isEmpty();
        assertThat(changesAfter(seqBefore))
                .filteredOn(ChangeEvent.EmailUpdated.class::isInstance)
                .as("the flag that was set meanwhile")
                .hasSizeLessThanOrEqualTo(1);
    }
}
