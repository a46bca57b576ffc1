package org.postbus.devstack.keyset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.Keyset;
import org.postbus.account.cipher.KeysetFile;

class KeysetAdministrationTest {
    private static final KeysetCommand ROTATE = new KeysetCommand.Rotate(Duration.ZERO);

    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    /** What the gateway counts. */
    private final Map<KeyId, Long> credentials = new HashMap<>();

    private KeysetFile file;
    private KeysetAdministration administration;
    private KeyId first;

    @BeforeEach
    void create() throws IOException, InterruptedException {
        file = KeysetFile.of(folder.resolve("keyset.json"), Optional.empty());
        administration = new KeysetAdministration(
                file,
                () -> new KeysetUsage(file.read().primary(), credentials),
                new PrintStream(out, true, StandardCharsets.UTF_8));
        administration.run(new KeysetCommand.Create());
        first = file.read().primary();
    }

    @Test
    void rotation_adds_a_key_and_then_encrypts_with_it() throws IOException, InterruptedException {
        administration.run(ROTATE);

        Keyset rotated = file.read();
        assertThat(rotated.keys()).hasSize(2);
        assertThat(rotated.primary()).isNotEqualTo(first);
        assertThat(rotated.old()).containsExactly(first);
    }

    @Test
    void interrupted_rotation_continues_with_the_key_that_it_had_added() throws IOException, InterruptedException {
        administration.run(new KeysetCommand.Add());
        KeyId added = file.read().keys().getLast().id();

        administration.run(ROTATE);

        assertThat(file.read().keys()).containsExactly(new Keyset.Key(first, false), new Keyset.Key(added, true));
    }

    @Test
    void a_second_key_is_not_added_before_the_first_one_encrypts() throws IOException, InterruptedException {
        administration.run(new KeysetCommand.Add());

        assertThatThrownBy(() -> administration.run(new KeysetCommand.Add())).hasMessageContaining("promote");

        administration.run(new KeysetCommand.Promote());
        assertThatThrownBy(() -> administration.run(new KeysetCommand.Promote()))
                .hasMessageContaining("add one");
    }

    @Test
    void key_that_encrypts_a_credential_is_not_removed() throws IOException, InterruptedException {
        administration.run(ROTATE);
        changedLongAgo();
        credentials.put(first, 1L);

        assertThatThrownBy(() -> administration.run(new KeysetCommand.Prune()))
                .hasMessageContaining("every key is used");

        assertThat(file.read().keys()).hasSize(2);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains(first + " stays: it encrypts 1 credentials");
    }

    @Test
    void unused_keys_are_removed_and_used_ones_stay() throws IOException, InterruptedException {
        administration.run(ROTATE);
        KeyId second = file.read().primary();
        administration.run(ROTATE);
        KeyId third = file.read().primary();
        credentials.putAll(Map.of(second, 3L, third, 5L));
        changedLongAgo();

        administration.run(new KeysetCommand.Prune());

        assertThat(file.read().keys()).containsExactly(new Keyset.Key(second, false), new Keyset.Key(third, true));
    }

    @Test
    void keyset_that_was_just_changed_is_not_pruned() throws IOException, InterruptedException {
        administration.run(ROTATE);

        assertThatThrownBy(() -> administration.run(new KeysetCommand.Prune())).hasMessageContaining("60 s old");

        assertThat(file.read().keys()).hasSize(2);
    }

    @Test
    void keyset_is_not_pruned_while_the_gateway_encrypts_with_another_key() throws IOException, InterruptedException {
        administration.run(ROTATE);
        changedLongAgo();
        KeysetAdministration behind =
                new KeysetAdministration(file, () -> new KeysetUsage(first, credentials), new PrintStream(out));

        assertThatThrownBy(() -> behind.run(new KeysetCommand.Prune()))
                .hasMessageContaining("encrypts with the key " + first);

        assertThat(file.read().keys()).hasSize(2);
    }

    @Test
    void list_shows_keys_and_credentials_that_no_key_decrypts() throws IOException, InterruptedException {
        administration.run(ROTATE);
        credentials.putAll(Map.of(first, 7L, new KeyId(42), 2L));

        administration.run(new KeysetCommand.ListKeys());

        assertThat(out.toString(StandardCharsets.UTF_8))
                .containsPattern(first + " +old +7")
                .containsPattern(file.read().primary() + " +primary +0")
                .contains("2 credentials are encrypted with keys that this keyset does not hold");
    }

    @Test
    void arguments_are_checked() {
        Path data = Path.of("data");
        assertThat(KeysetCommand.parse(List.of("keyset", "rotate", "--wait", "90s"), data))
                .isEqualTo(new KeysetCommand.Invocation(
                        new KeysetCommand.Rotate(Duration.ofSeconds(90)),
                        data.resolve("keyset.json"),
                        KeysetCommand.parse(List.of("keyset", "list"), data).gateway()));
        for (List<String> wrong : List.of(
                List.of("keyset"),
                List.of("keyset", "burn"),
                List.of("keyset", "rotate", "--wait", "soon"),
                List.of("keyset", "prune", "--wait", "1s"),
                List.of("keyset", "list", "--api", "http://localhost"),
                List.of("keyset", "list", "extra"))) {
            assertThatThrownBy(() -> KeysetCommand.parse(wrong, data))
                    .as(wrong.toString())
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private void changedLongAgo() throws IOException {
        Files.setLastModifiedTime(
                file.path(), FileTime.from(Instant.now().minus(KeysetAdministration.PRUNE_AGE_MIN.plusSeconds(1))));
    }
}
