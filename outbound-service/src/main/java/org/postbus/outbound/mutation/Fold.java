package org.postbus.outbound.mutation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;

/**
 * Folds mutations into one change per email. The last mutation of a keyword or of a mailbox membership wins; a destroy replaces
 * all other changes of the email. Applying the result has the same effect as applying the mutations one after the other. Pure.
 */
public final class Fold {
    private Fold() {}

    /**
     * @param mutations of one account, oldest first
     * @return one element per email, in the order in which the emails first occur
     */
    public static List<FoldedMutation> fold(List<EmailMutation> mutations) {
        Map<EmailId, List<EmailMutation>> byEmail = new LinkedHashMap<>();
        for (EmailMutation mutation : mutations) {
            byEmail.computeIfAbsent(mutation.emailId(), email -> new ArrayList<>())
                    .add(mutation);
        }
        return byEmail.entrySet().stream()
                .map(entry -> new FoldedMutation(entry.getKey(), change(entry.getValue()), entry.getValue()))
                .toList();
    }

    private static EmailMutation.Change change(List<EmailMutation> mutations) {
        Map<Keyword, Boolean> keywords = new TreeMap<>();
        Map<MailboxId, Boolean> mailboxIds = new TreeMap<>();
        for (EmailMutation mutation : mutations) {
            switch (mutation.change()) {
                case EmailMutation.Change.Update(var keywordPatch, var mailboxPatch) -> {
                    keywords.putAll(keywordPatch);
                    mailboxIds.putAll(mailboxPatch);
                }
                case EmailMutation.Change.Destroy destroy -> {
                    return destroy;
                }
            }
        }
        return new EmailMutation.Change.Update(keywords, mailboxIds);
    }
}
