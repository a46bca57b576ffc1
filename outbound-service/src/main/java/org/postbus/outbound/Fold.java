package org.postbus.outbound;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;

/**
 * Folds wishes so that the server is asked once per email. The last wish for a keyword or a mailbox wins, whatever came
 * before it; destroying swallows everything else. Doing the result is the same as doing the wishes one after the other.
 */
public final class Fold {
    private Fold() {}

    /**
     * @param wishes of one account, oldest first
     * @return one for each email, in the order in which the emails first occur
     */
    public static List<FoldedWish> fold(List<Wish> wishes) {
        Map<EmailId, List<Wish>> byEmail = new LinkedHashMap<>();
        for (Wish wish : wishes) {
            byEmail.computeIfAbsent(wish.emailId(), email -> new ArrayList<>()).add(wish);
        }
        return byEmail.entrySet().stream()
                .map(entry -> new FoldedWish(entry.getKey(), change(entry.getValue()), entry.getValue()))
                .toList();
    }

    private static Wish.Change change(List<Wish> wishes) {
        Map<Keyword, Boolean> keywords = new TreeMap<>();
        Map<MailboxId, Boolean> mailboxIds = new TreeMap<>();
        for (Wish wish : wishes) {
            switch (wish.change()) {
                case Wish.Change.Update(var keywordPatch, var mailboxPatch) -> {
                    keywords.putAll(keywordPatch);
                    mailboxIds.putAll(mailboxPatch);
                }
                case Wish.Change.Destroy destroy -> {
                    return destroy;
                }
            }
        }
        return new Wish.Change.Update(keywords, mailboxIds);
    }
}
