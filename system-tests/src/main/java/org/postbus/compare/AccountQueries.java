package org.postbus.compare;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.postbus.model.AccountId;

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
