package org.postbus.outbound.table;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vertx.sqlclient.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.Tries;

/**
 * The mutations of one account that this process has claimed at once.
 *
 * @param mutations oldest first
 * @param mailboxMutation if present, {@code mutations} is empty
 * @param unreadable mutations whose stored patch is invalid, with the reason
 * @param held whether the queue was on hold until now
 * @param failures of the account's server in a row until now
 */
public record MutationClaim(
        List<EmailMutation> mutations,
        Optional<MailboxMutation> mailboxMutation,
        Map<MutationId, String> unreadable,
        boolean held,
        int failures) {
    static final MutationClaim NOTHING = new MutationClaim(List.of(), Optional.empty(), Map.of(), false, 0);

    public MutationClaim {
        mutations = List.copyOf(mutations);
        unreadable = Map.copyOf(unreadable);
    }

    public boolean isEmpty() {
        return mutations.isEmpty() && mailboxMutation.isEmpty() && unreadable.isEmpty();
    }

    public int size() {
        return mutations.size() + (mailboxMutation.isPresent() ? 1 : 0) + unreadable.size();
    }

    static MutationClaim read(Iterable<Row> rows, HoldTable.Entry entry) {
        List<EmailMutation> mutations = new ArrayList<>();
        Optional<MailboxMutation> mailboxMutation = Optional.empty();
        Map<MutationId, String> unreadable = new HashMap<>();
        for (Row row : rows) {
            var id = new MutationId(row.getUUID("mutation_id"));
            try {
                if (row.getUUID("email_id") == null) {
                    mailboxMutation = Optional.of(mailboxMutation(id, row));
                } else {
                    mutations.add(emailMutation(id, row));
                }
            } catch (IllegalArgumentException e) {
                unreadable.put(id, e.getMessage());
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("PostgreSQL holds jsonb that is not JSON", e);
            }
        }
        // PostgreSQL orders a uuid by its octets, and so does its text form.
        mutations.sort(Comparator.comparing(mutation -> mutation.id().value().toString()));
        return new MutationClaim(mutations, mailboxMutation, unreadable, entry.held(), entry.failures());
    }

    private static MailboxMutation mailboxMutation(MutationId id, Row row) throws JsonProcessingException {
        return new MailboxMutation(
                id,
                new MailboxId(row.getUUID("mailbox_id")),
                MailboxMutation.Change.of(
                        row.getString("kind"), EventCodec.mapper().readTree(row.getString("patch"))),
                tries(row));
    }

    private static EmailMutation emailMutation(MutationId id, Row row) throws JsonProcessingException {
        return new EmailMutation(
                id,
                new EmailId(row.getUUID("email_id")),
                row.getString("kind").equals("destroy")
                        ? new EmailMutation.Change.Destroy()
                        : EmailMutation.Change.ofPatch(EventCodec.mapper().readTree(row.getString("patch"))),
                tries(row));
    }

    private static Tries tries(Row row) {
        return new Tries(
                row.getInteger("attempts"),
                row.getInteger("interruptions"),
                row.getBoolean("sent"),
                Duration.ofMillis(row.getLong("age_ms")));
    }
}
