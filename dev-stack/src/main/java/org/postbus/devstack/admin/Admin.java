package org.postbus.devstack.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.admin.AdminCommand.Invocation;
import org.postbus.devstack.admin.AdminCommand.Target;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.client.PostbusApi.Answer;
import org.postbus.devstack.process.Secrets;

/** Carries out an {@link AdminCommand} with the operator's key. */
public final class Admin {
    private static final String ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

    private final PostbusApi api;
    private final URI address;
    private final boolean json;
    private final PrintStream out;

    private Admin(PostbusApi api, URI address, boolean json, PrintStream out) {
        this.api = api;
        this.address = address;
        this.json = json;
        this.out = out;
    }

    /** What the API said to a call, or why it could not be called. */
    public static final class FailedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        FailedException(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * Returns when the command is carried out.
     *
     * @throws FailedException if it was refused, or the gateway can not be reached
     */
    public static void run(Invocation invocation, PrintStream out) {
        URI address = address(invocation.target());
        try (PostbusApi api = new PostbusApi(address, operatorKey(invocation.target()))) {
            new Admin(api, address, invocation.json(), out).run(invocation.command());
        } catch (UncheckedIOException e) {
            throw new FailedException("the gateway at " + address + " can not be reached: " + e.getMessage());
        }
    }

    /**
     * The API with the operator's key.
     *
     * @throws FailedException if it is unknown where the gateway or the key is
     */
    public static PostbusApi connect(Target target) {
        return new PostbusApi(address(target), operatorKey(target));
    }

    private void run(AdminCommand command) {
        switch (command) {
            case AdminCommand.CreateTenant(var name) ->
                printTenant(expect(api.post("admin/tenants", object("name", name)), 201));
            case AdminCommand.ListTenants() -> printTenants();
            case AdminCommand.SuspendTenant(var tenant, var reason) -> {
                ObjectNode patch = object("status", "suspended");
                reason.ifPresent(text -> patch.put("reason", text));
                printTenant(expect(api.patch(path(tenant), patch), 200));
            }
            case AdminCommand.ResumeTenant(var tenant) ->
                printTenant(expect(api.patch(path(tenant), object("status", "active")), 200));
            case AdminCommand.DeleteTenant(var tenant) -> printTenant(expect(api.delete(path(tenant)), 202));
            case AdminCommand.ExportTenant(var tenant, var directory) -> export(tenant, directory);
            case AdminCommand.CreateKey create -> createKey(create);
            case AdminCommand.ListKeys(var tenant) -> printKeys(tenant);
            case AdminCommand.RotateKey(var tenant, var key, var grace, var file) -> {
                ObjectNode request = EventCodec.mapper().createObjectNode();
                grace.ifPresent(time -> request.put("graceSeconds", time.toSeconds()));
                printNewKey(expect(api.post(path(tenant) + "/keys/" + key + "/rotate", request), 201), file);
            }
            case AdminCommand.RevokeKey(var tenant, var key) -> {
                expect(api.delete(path(tenant) + "/keys/" + key), 204);
                out.println(json ? "{}" : "The key " + key + " is revoked.");
            }
        }
    }

    private void createKey(AdminCommand.CreateKey create) {
        ObjectNode request = object("name", create.name());
        ArrayNode scopes = request.putArray("scopes");
        create.scopes().forEach(scopes::add);
        if (!create.addresses().isEmpty()) {
            ArrayNode addresses = request.putArray("allowedAddresses");
            create.addresses().forEach(addresses::add);
        }
        create.expires().ifPresent(time -> request.put("expiresAt", time));
        printNewKey(expect(api.post(path(create.tenant()) + "/keys", request), 201), create.out());
    }

    private void export(String tenant, Path directory) {
        JsonNode found = tenant(tenant);
        TenantExport.Result result = TenantExport.run(api, address, found, directory, json ? System.err : out);
        if (json) {
            print(EventCodec.mapper().valueToTree(result));
        } else {
            out.println("Exported to %s: %d accounts, %d emails, %d raw messages (%d of them new)."
                    .formatted(directory, result.accounts(), result.emails(), result.rawMessages(), result.fetched()));
        }
        if (result.missing() > 0) {
            throw new FailedException(result.missing() + " raw messages could not be fetched: see missing.jsonl there;"
                    + " run the export again to fetch what is missing");
        }
    }

    private void printTenants() {
        List<JsonNode> tenants = Pages.all(api, "admin/tenants");
        if (json) {
            tenants.forEach(this::print);
            return;
        }
        out.printf("%-36s  %-10s  %s%n", "ID", "STATUS", "NAME");
        tenants.forEach(tenant ->
                out.printf("%-36s  %-10s  %s%n", text(tenant, "id"), text(tenant, "status"), text(tenant, "name")));
    }

    private void printTenant(JsonNode tenant) {
        if (json) {
            print(tenant);
        } else {
            out.println("%s  %s  %s%s"
                    .formatted(
                            text(tenant, "id"),
                            text(tenant, "status"),
                            text(tenant, "name"),
                            tenant.has("reason") ? "  (" + text(tenant, "reason") + ")" : ""));
        }
    }

    private void printKeys(String tenant) {
        List<JsonNode> keys = Pages.all(api, path(tenant) + "/keys");
        if (json) {
            keys.forEach(this::print);
            return;
        }
        out.printf("%-36s  %-8s  %-33s  %-20s  %s%n", "ID", "STATE", "SCOPES", "LAST USED", "NAME");
        keys.forEach(key -> out.printf(
                "%-36s  %-8s  %-33s  %-20s  %s%n",
                text(key, "id"),
                state(key),
                StreamSupport.stream(key.path("scopes").spliterator(), false)
                        .map(JsonNode::asText)
                        .collect(Collectors.joining(",")),
                key.has("lastUsedAt") ? text(key, "lastUsedAt").substring(0, 19) : "never",
                text(key, "name")));
    }

    private static String state(JsonNode key) {
        if (key.has("revokedAt")) {
            return "revoked";
        }
        return key.has("expiresAt")
                        && java.time.Instant.parse(text(key, "expiresAt")).isBefore(java.time.Instant.now())
                ? "expired"
                : "valid";
    }

    /** The secret goes to the file, which only its owner can read, or to standard output: it is not shown again. */
    private void printNewKey(JsonNode created, Optional<Path> file) {
        String secret = text(created, "secret");
        file.ifPresent(path -> write(path, secret));
        if (json) {
            ObjectNode shown = created.deepCopy();
            if (file.isPresent()) {
                shown.remove("secret");
            }
            print(shown);
            return;
        }
        out.println("id      " + text(created.path("key"), "id"));
        out.println(file.map(path -> "secret  is in " + path).orElse("secret  " + secret + "   (not shown again)"));
    }

    private static void write(Path file, String secret) {
        try {
            Secrets.writePrivately(file.toAbsolutePath(), secret + "\n");
        } catch (IOException e) {
            throw new FailedException("the secret could not be written: " + e);
        }
    }

    private String path(String tenant) {
        return "admin/tenants/" + text(tenant(tenant), "id");
    }

    private JsonNode tenant(String nameOrId) {
        if (nameOrId.matches(ID)) {
            return expect(api.get("admin/tenants/" + nameOrId), 200);
        }
        JsonNode page =
                expect(api.get("admin/tenants?name=" + URLEncoder.encode(nameOrId, StandardCharsets.UTF_8)), 200);
        for (JsonNode tenant : page.path("list")) {
            return tenant;
        }
        throw new FailedException("there is no tenant with the name " + nameOrId);
    }

    static JsonNode expect(Answer answer, int status) {
        if (answer.status() != status) {
            throw new FailedException(answer.status() + " "
                    + answer.body()
                            .path("detail")
                            .asText(answer.body().path("title").asText()));
        }
        return answer.body();
    }

    private void print(JsonNode node) {
        out.println(EventCodec.encodeToString(node));
    }

    private static ObjectNode object(String name, String value) {
        return EventCodec.mapper().createObjectNode().put(name, value);
    }

    private static String text(JsonNode node, String property) {
        return node.path(property).asText();
    }

    private static URI address(Target target) {
        return URI.create(target.api().orElseGet(() -> fromRunFile(target.runFile(), "api")));
    }

    private static Secret operatorKey(Target target) {
        Path file = target.keyFile().orElseGet(() -> Path.of(fromRunFile(target.runFile(), "operatorKeyFile")));
        try {
            return new Secret(Files.readString(file).strip());
        } catch (IOException e) {
            throw new FailedException("the operator's key can not be read: " + e);
        }
    }

    private static String fromRunFile(Path file, String property) {
        try {
            JsonNode value =
                    EventCodec.mapper().readTree(Files.readString(file)).path(property);
            if (!value.isTextual()) {
                throw new FailedException(file + " has no " + property);
            }
            return value.asText();
        } catch (IOException e) {
            throw new FailedException("Postbus does not run: " + file
                    + " can not be read; start ./postbus up, or name a gateway with --api URL --key-file FILE");
        }
    }
}
