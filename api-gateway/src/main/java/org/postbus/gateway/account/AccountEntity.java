package org.postbus.gateway.account;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.UUID;
import org.hibernate.annotations.ColumnTransformer;
import org.hibernate.annotations.UuidGenerator;
import org.postbus.account.AccountSettings;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/**
 * A row of {@code account}. The column {@code published_revision} is not mapped: {@link AccountPublisher} alone uses it, in
 * transactions of its own.
 */
@Entity
@Table(name = "account")
class AccountEntity {
    /** In the order of creation, in which accounts are listed. */
    @Id
    @GeneratedValue
    @UuidGenerator(style = UuidGenerator.Style.VERSION_7)
    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "tenant_id", updatable = false)
    UUID tenantId;

    @Column(updatable = false)
    String protocol;

    @Column(updatable = false)
    String email;

    // The driver would send a string to a jsonb parameter as a JSON string.
    @ColumnTransformer(read = "cast(settings as text)", write = "cast(cast(? as text) as jsonb)")
    String settings;

    /** See {@link MailboxIdentity}. */
    @Column(name = "mailbox_identity")
    String mailboxIdentity;

    /** Another account of the tenant syncs the same mailbox. */
    boolean duplicate;

    String status;
    long revision = 1;

    protected AccountEntity() {}

    AccountEntity(TenantId tenant, AccountRequest request) {
        this.tenantId = tenant.value();
        this.protocol = protocol(request.settings()).wireName();
        this.email = request.email();
        set(request);
    }

    /** Raises the revision even if settings and status stay the same: the credential may be what changes. */
    void change(AccountRequest request) {
        set(request);
        revision++;
    }

    private void set(AccountRequest request) {
        this.settings = EventCodec.encodeToString(request.settings());
        this.mailboxIdentity = MailboxIdentity.of(request.settings()).text();
        this.status = request.status().wireName();
    }

    AccountId id() {
        return new AccountId(accountId);
    }

    private static AccountRecord.Protocol protocol(AccountSettings settings) {
        return switch (settings) {
            case AccountSettings.Imap ignored -> AccountRecord.Protocol.IMAP;
            case AccountSettings.Jmap ignored -> AccountRecord.Protocol.JMAP;
        };
    }
}
