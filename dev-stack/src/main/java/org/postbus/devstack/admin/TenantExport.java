package org.postbus.devstack.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi;

/**
 * Everything that the API shows of a tenant, as files: JSON Lines with the API's objects, and the raw messages. {@code docs/operations.md}
 * describes the directory.
 *
 * <p>It is read with a key of the tenant that is made for this, expires after {@link #KEY_LIFETIME} and is revoked at the end. An export that ended
 * early is continued by another one: the lists are read again, raw messages that are there are kept, since a message never changes.
 */
final class TenantExport implements AutoCloseable {
    static final int FORMAT = 1;
    private static final Duration KEY_LIFETIME = Duration.ofDays(1);

    private final PostbusApi operator;
    private final String keys;
    private final String key;
    private final PostbusApi tenant;
    private final Path directory;
    private final PrintStream progress;
    private final RawMessages raw;
    private int accounts;
    private int emails;

    /**
     * @param rawMessages raw messages that are in the directory
     * @param fetched how many of them this run has fetched
     * @param missing raw messages that could not be fetched
     */
    record Result(int accounts, int emails, int rawMessages, int fetched, int missing) {}

    private TenantExport(PostbusApi operator, URI address, String tenantId, Path directory, PrintStream progress) {
        this.operator = operator;
        this.keys = "admin/tenants/" + tenantId + "/keys";
        ObjectNode request = EventCodec.mapper().createObjectNode().put("name", "export");
        request.putArray("scopes").add("read").add("admin");
        request.put("expiresAt", Instant.now().plus(KEY_LIFETIME).toString());
        JsonNode created = Admin.expect(operator.post(keys, request), 201);
        this.key = created.path("key").path("id").asText();
        this.tenant = new PostbusApi(address, new Secret(created.path("secret").asText()));
        this.directory = directory;
        this.progress = progress;
        this.raw = new RawMessages(tenant);
    }

    /** @param found the tenant, as the API shows it */
    static Result run(PostbusApi operator, URI address, JsonNode found, Path directory, PrintStream progress) {
        try (TenantExport export =
                new TenantExport(operator, address, found.path("id").asText(), directory, progress)) {
            return export.run(found);
        } catch (IOException e) {
            throw new Admin.FailedException("the export can not be written: " + e);
        }
    }

    private Result run(JsonNode found) throws IOException {
        createPrivate(directory);
        writeSummary(found, Optional.empty());
        writeList(directory.resolve("keys.jsonl"), "keys");
        writeList(directory.resolve("audit.jsonl"), "audit");
        List<JsonNode> all = writeList(directory.resolve("accounts.jsonl"), "accounts");
        try (BufferedWriter missing = Files.newBufferedWriter(directory.resolve("missing.jsonl"))) {
            for (JsonNode account : all) {
                exportAccount(account.path("id").asText(), missing);
            }
        }
        writeSummary(found, Optional.of(Instant.now()));
        return new Result(accounts, emails, raw.present(), raw.fetched(), raw.missing());
    }

    private void exportAccount(String account, BufferedWriter missing) throws IOException {
        accounts++;
        String path = "accounts/" + account;
        Path folder = createPrivate(directory.resolve(path));
        writeList(folder.resolve("mailboxes.jsonl"), path + "/mailboxes");
        writeList(folder.resolve("mutations.jsonl"), path + "/mutations");
        writeList(folder.resolve("submissions.jsonl"), path + "/submissions");
        List<String> ids = new ArrayList<>();
        write(
                folder.resolve("emails.jsonl"),
                lines -> Pages.each(tenant, path + "/emails", "cursor", email -> {
                    ids.add(email.path("id").asText());
                    line(lines, email);
                }));
        emails += ids.size();
        Path messages = createPrivate(folder.resolve("raw"));
        for (int i = 0; i < ids.size(); i++) {
            String email = ids.get(i);
            Optional<String> problem = raw.fetch(path + "/emails/" + email + "/raw", messages.resolve(email + ".eml"));
            if (problem.isPresent()) {
                line(
                        missing,
                        EventCodec.mapper()
                                .createObjectNode()
                                .put("accountId", account)
                                .put("emailId", email)
                                .put("problem", problem.get()));
            }
            if ((i + 1) % 1_000 == 0) {
                progress.println("  account " + account + ": " + (i + 1) + " of " + ids.size() + " emails");
            }
        }
    }

    private List<JsonNode> writeList(Path file, String path) throws IOException {
        List<JsonNode> items = new ArrayList<>();
        // A list without pages does not know their parameters.
        if (path.endsWith("/mailboxes")) {
            Admin.expect(tenant.get(path), 200).path("list").forEach(items::add);
        } else {
            items.addAll(Pages.all(tenant, path));
        }
        write(file, lines -> items.forEach(item -> line(lines, item)));
        return items;
    }

    /** @param ended empty: the export is not complete */
    private void writeSummary(JsonNode found, Optional<Instant> ended) throws IOException {
        ObjectNode summary = EventCodec.mapper().createObjectNode().put("format", FORMAT);
        summary.set("tenant", found);
        ended.ifPresent(time -> summary.put("completedAt", time.toString()));
        Files.writeString(directory.resolve("export.json"), EventCodec.encodeToString(summary) + "\n");
    }

    private interface Lines {
        void to(BufferedWriter file);
    }

    /** Replaces the file at once: it is never half of a list. */
    private static void write(Path file, Lines lines) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".part");
        try (BufferedWriter writer = Files.newBufferedWriter(draft)) {
            lines.to(writer);
        }
        Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void line(BufferedWriter file, JsonNode item) {
        try {
            file.write(EventCodec.encodeToString(item));
            file.newLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path createPrivate(Path directory) throws IOException {
        return Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    @Override
    public void close() {
        tenant.close();
        Admin.expect(operator.delete(keys + "/" + key), 204);
    }
}
