package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.admin.Admin;
import org.postbus.devstack.admin.AdminCommand;
import org.postbus.devstack.client.LiveEvents;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.mailserver.James;
import org.postbus.model.AccountId;

/** A tenant's life by the commands of {@code ./postbus tenant} and {@code ./postbus key}, with mail of a real server. */
class TenantsFromTheShellIT {
    private static final int EMAILS = 12;

    private final RunningPostbus running = RunningPostbus.get();

    @TempDir
    Path directory;

    @Test
    void a_tenant_is_created_suspended_exported_and_deleted() throws Exception {
        // Given
        run("tenant create shell-test");
        Path keyFile = directory.resolve("key");
        String printed = run("key create shell-test --name first --scopes read,mutate,accounts,admin --out " + keyFile);
        Secret key = new Secret(Files.readString(keyFile).strip());
        assertThat(printed).doesNotContain(key.reveal());
        assertThat(Files.getPosixFilePermissions(keyFile)).hasSize(2);
        James.User carol = running.user("carol");
        running.fill(carol, "INBOX", 5, EMAILS);
        try (PostbusApi api = new PostbusApi(running.postbus.api(), key)) {
            AccountId account = api.addImapAccount(running.postbus.james(), carol);
            await().atMost(RunningPostbus.SYNC_LIMIT)
                    .until(() -> api.emails(account).size() == EMAILS);

            // Suspended and resumed
            assertThat(run("tenant suspend shell-test --reason unpaid")).contains("suspended", "(unpaid)");
            await().atMost(RunningPostbus.CHANGE_LIMIT)
                    .until(() -> api.get("accounts").status() == 403);
            assertThat(run("tenant list")).contains("shell-test");
            run("tenant resume shell-test");
            await().atMost(RunningPostbus.CHANGE_LIMIT)
                    .until(() -> api.get("accounts").status() == 200);

            // Exported: what the API shows, and every message
            Path export = directory.resolve("export");
            assertThat(run("tenant export shell-test " + export))
                    .contains("1 accounts, 12 emails, 12 raw messages (12");
            assertIsWhatTheApiShows(export, api, account);

            // Exported again after an interruption: only what is missing is fetched
            Path first = export.resolve("accounts/" + account + "/raw/"
                    + api.emails(account).getFirst().get("id").asText() + ".eml");
            byte[] message = Files.readAllBytes(first);
            Files.delete(first);
            assertThat(run("tenant export shell-test " + export)).contains("12 raw messages (1 of them new)");
            assertThat(Files.readAllBytes(first)).isEqualTo(message);

            // Deleted
            try (LiveEvents live = api.listen()) {
                await().atMost(RunningPostbus.CHANGE_LIMIT)
                        .until(() -> !live.received().isEmpty());
                api.delete("accounts/" + account).expect(204);
                assertThat(running.emailsInDatabase(new RunningPostbus.Account(account, null, carol)))
                        .isZero();
                await().atMost(RunningPostbus.CHANGE_LIMIT)
                        .untilAsserted(() -> assertThat(live.received())
                                .extracting(LiveEvents.LiveEvent::type)
                                .contains("account.deleted"));
            }
            await().atMost(RunningPostbus.CHANGE_LIMIT).untilAsserted(() -> {
                assertThat(running.subscriber.state(account).fold().emails()).isEmpty();
                assertThat(running.subscriber.state(account).fold().problems()).isEmpty();
            });
            AccountId second = api.addImapAccount(running.postbus.james(), carol);
            assertThatThrownBy(() -> run("tenant delete shell-test")).hasMessageContaining("--yes");
            assertThat(run("tenant delete shell-test --yes")).contains("deleting");
            await().atMost(RunningPostbus.CHANGE_LIMIT)
                    .untilAsserted(() -> assertThatThrownBy(() -> run("key list shell-test"))
                            .hasMessageContaining("there is no tenant"));
            assertThat(running.emailsInDatabase(new RunningPostbus.Account(second, null, carol)))
                    .isZero();
            assertThat(api.get("accounts").status()).isEqualTo(401);
        }
    }

    @Test
    void a_key_is_rotated_and_revoked() throws Exception {
        // Given
        run("tenant create rotation-test");
        JsonNode created = json(run("key create rotation-test --name r --scopes read --json"));

        // When
        JsonNode rotated =
                json(run("key rotate rotation-test " + created.at("/key/id").asText() + " --grace 0s --json"));

        // Then
        assertThat(status(rotated)).isEqualTo(200);
        await().atMost(RunningPostbus.CHANGE_LIMIT).until(() -> status(created) == 401);
        String list = run("key list rotation-test");
        assertThat(list.lines().filter(line -> line.contains("expired"))).hasSize(1);
        assertThat(list.lines().filter(line -> line.contains("valid"))).hasSize(1);
        run("key revoke rotation-test " + rotated.at("/key/id").asText());
        await().atMost(RunningPostbus.CHANGE_LIMIT).until(() -> status(rotated) == 401);
        assertThatThrownBy(() -> run("key revoke rotation-test "
                        + created.at("/key/id").asText().replaceAll(".$", "x")))
                .hasMessageContaining("404");
    }

    private int status(JsonNode created) {
        try (PostbusApi api = new PostbusApi(
                running.postbus.api(), new Secret(created.get("secret").asText()))) {
            return api.get("accounts").status();
        }
    }

    /** Reads the export as docs/operations.md describes it. */
    private void assertIsWhatTheApiShows(Path export, PostbusApi api, AccountId account) throws IOException {
        JsonNode summary = json(Files.readString(export.resolve("export.json")));
        assertThat(summary.get("format").asInt()).isEqualTo(1);
        assertThat(summary.at("/tenant/name").asText()).isEqualTo("shell-test");
        assertThat(summary.hasNonNull("completedAt")).isTrue();
        assertThat(lines(export.resolve("accounts.jsonl")))
                .extracting(line -> line.get("id").asText())
                .containsExactly(account.toString());
        Path folder = export.resolve("accounts").resolve(account.toString());
        assertThat(lines(folder.resolve("mailboxes.jsonl")))
                .isEqualTo(list(api.get("accounts/" + account + "/mailboxes").expect(200)));
        assertThat(lines(folder.resolve("emails.jsonl"))).isEqualTo(api.emails(account));
        assertThat(lines(export.resolve("missing.jsonl"))).isEmpty();
        assertThat(lines(export.resolve("keys.jsonl")))
                .extracting(line -> line.get("name").asText())
                .contains("first");
        assertThat(lines(export.resolve("audit.jsonl"))).isNotEmpty();
        try (Stream<Path> raw = Files.list(folder.resolve("raw"))) {
            List<Path> messages = raw.toList();
            assertThat(messages).hasSize(EMAILS);
            for (JsonNode email : api.emails(account)) {
                String message = Files.readString(
                        folder.resolve("raw").resolve(email.get("id").asText() + ".eml"), StandardCharsets.ISO_8859_1);
                assertThat(message).contains(email.at("/messageId/0").asText());
                assertThat((long) message.length()).isEqualTo(email.get("size").asLong());
            }
        }
        try (Stream<Path> files = Files.walk(export)) {
            assertThat(files.filter(file -> file.toString().endsWith(".part"))).isEmpty();
        }
    }

    private String run(String arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Admin.run(
                AdminCommand.parse(List.of(arguments.split(" ")), running.directory),
                new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(json(line));
        }
        return lines;
    }

    private static List<JsonNode> list(JsonNode page) {
        List<JsonNode> items = new ArrayList<>();
        page.get("list").forEach(items::add);
        return items;
    }

    private static JsonNode json(String text) {
        return EventCodec.decode(text, JsonNode.class);
    }
}
