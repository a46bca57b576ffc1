package org.postbus.gateway.email;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.postbus.codec.EventCodec;
import org.postbus.model.EmailBody;

/** A row of {@code email_body_text_view}. An email whose body was too large to be kept has none. */
@Entity
@Immutable
@Table(name = "email_body_text_view")
class EmailBodyRow {
    @Id
    @Column(name = "email_id")
    UUID emailId;

    @Column(name = "account_id")
    UUID accountId;

    String body;

    EmailBody body() {
        return EventCodec.decode(body, EmailBody.class);
    }
}
