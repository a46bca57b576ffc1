package org.postbus.compare;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.compare.MailState.MailboxState;
import org.postbus.compare.MailState.LocatedEmail;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;

/** Queries with the account's id as their only parameter, on a connection that sees all rows. */
record AccountQueries(Connection connection, AccountId account) {
    interface FromRow<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** @param sql has one parameter, the account id */
    <T> List<T> query(String sql, FromRow<T> fromRow) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, account.value());
            List<T> results = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    results.add(fromRow.read(row));
                }
            }
            return results;
        }
    }

    static List<String> strings(Array array) throws SQLException {
        return Arrays.asList((String[]) array.getArray());
    }
}
