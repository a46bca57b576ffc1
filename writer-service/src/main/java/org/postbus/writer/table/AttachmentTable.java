package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import java.util.List;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.EmailDifference.AttachmentRow;

/** {@code attachment}: the attachments of emails whose body is stored. */
public final class AttachmentTable {
    private AttachmentTable() {}

    public static void insert(
            Transaction transaction, TenantId tenant, AccountId account, List<AttachmentRow> attachments) {
        transaction.send(
                """
                insert into attachment (account_id, tenant_id, email_id, part_id, blob_id, name, type, size, disposition, cid)
                select $1, $2, n.*
                from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
                            $10::text[]) n
                on conflict (account_id, email_id, part_id) do nothing""",
                account.value(),
                tenant.value(),
                column(attachments, AttachmentRow::emailId, UUID[]::new),
                column(attachments, attachment -> attachment.part().partId(), String[]::new),
                column(attachments, attachment -> attachment.part().blobId().orElse(null), String[]::new),
                column(attachments, attachment -> attachment.part().name().orElse(null), String[]::new),
                column(attachments, attachment -> attachment.part().type(), String[]::new),
                column(attachments, attachment -> attachment.part().size(), Long[]::new),
                column(
                        attachments,
                        attachment -> attachment.part().disposition().orElse(null),
                        String[]::new),
                column(attachments, attachment -> attachment.part().cid().orElse(null), String[]::new));
    }
}
