package org.postbus.bench.scale;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postbus.codec.EventCodec;

/**
 * The statements of the services as PostgreSQL ran them: {@code auto_explain} writes the plan of each into the server's log, with times and rows as
 * {@code EXPLAIN (ANALYZE)} gives them. Only of connections that begin after {@link #begin}.
 */
final class StatementLog {
    private static final Pattern ENTRY = Pattern.compile(
            "^STATEMENT_OF (\\S+) LOG: {2}duration: ([0-9.]+) ms {2}plan:\\n((?:\\t.*\\n)+)", Pattern.MULTILINE);

    private static final List<String> SETTINGS = List.of(
            "session_preload_libraries = 'auto_explain'",
            "log_line_prefix = 'STATEMENT_OF %u '",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
            "auto_explain.log_timing = off",
            "auto_explain.log_triggers = on",
            "auto_explain.log_format = 'json'",
            "auto_explain.log_nested_statements = on");

    private final Path log;
    private long position;

    StatementLog(Path log) {
        this.log = log;
    }

    /**
     * @param role that ran it
     * @param rows that its scans read, those that a filter removed included
     */
    record Executed(String role, String sql, double millis, long rows, String plan) {}

    /** Needs a superuser's connection. */
    static void begin(Connection database) throws SQLException {
        try (Statement statement = database.createStatement()) {
            // A parameter of an extension is known when the extension has been loaded.
            statement.execute("load 'auto_explain'");
            for (String setting : SETTINGS) {
                statement.execute("alter system set " + setting);
            }
            statement.execute("select pg_reload_conf()");
        }
    }

    /** What was run since the last call. */
    List<Executed> next() {
        List<Executed> executed = new ArrayList<>();
        Matcher entry = ENTRY.matcher(read());
        while (entry.find()) {
            JsonNode json = json(entry.group(3));
            executed.add(new Executed(
                    entry.group(1),
                    json.path("Query Text").asText(),
                    Double.parseDouble(entry.group(2)),
                    rows(json.path("Plan")),
                    entry.group(3)));
        }
        return executed;
    }

    private String read() {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            file.seek(position);
            byte[] octets = new byte[(int) (file.length() - position)];
            file.readFully(octets);
            position = file.length();
            return new String(octets, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL's log can not be read", e);
        }
    }

    private static JsonNode json(String plan) {
        return EventCodec.decode(plan.getBytes(StandardCharsets.UTF_8), JsonNode.class);
    }

    /** Rows of a node are an average over its loops. A bitmap's rows are those of its heap scan. */
    private static long rows(JsonNode node) {
        long rows = 0;
        String type = node.path("Node Type").asText();
        boolean scansTable = node.has("Relation Name") && type.endsWith("Scan");
        if (scansTable) {
            double each = node.path("Actual Rows").asDouble()
                    + node.path("Rows Removed by Filter").asDouble()
                    + node.path("Rows Removed by Index Recheck").asDouble();
            rows += Math.round(each * node.path("Actual Loops").asDouble());
        }
        for (JsonNode child : node.path("Plans")) {
            rows += rows(child);
        }
        return rows;
    }
}
