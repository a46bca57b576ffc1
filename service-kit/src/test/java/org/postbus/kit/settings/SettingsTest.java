package org.postbus.kit.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.Secret;

class SettingsTest {
    private static Settings settings(Map<String, String> values) {
        return Settings.of(name -> Optional.ofNullable(values.get(name)));
    }

    @Test
    void a_blank_value_is_none() {
        Settings settings = settings(Map.of("a", " ", "b", " x "));

        assertThat(settings.find("a")).isEmpty();
        assertThat(settings.find("b")).contains("x");
        assertThatThrownBy(() -> settings.require("some.where-else")).hasMessage("SOME_WHERE_ELSE is not set");
    }

    @Test
    void a_secret_is_given_as_it_is_or_in_a_file(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("password"), " pass word \n");

        assertThat(settings(Map.of("p", " x ")).secret("p")).contains(new Secret(" x "));
        assertThat(settings(Map.of("p-file", file.toString())).secret("p")).contains(new Secret(" pass word "));
        assertThat(settings(Map.of()).secret("p")).isEmpty();
        assertThatThrownBy(() ->
                        settings(Map.of("p", "x", "p-file", file.toString())).secret("p"))
                .hasMessage("set P or P_FILE, not both");
        assertThatThrownBy(() -> settings(
                                Map.of("p-file", directory.resolve("none").toString()))
                        .secret("p"))
                .hasMessageStartingWith("P_FILE: ")
                .hasMessageEndingWith("can not be read");
    }
}
