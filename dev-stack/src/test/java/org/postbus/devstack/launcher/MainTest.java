package org.postbus.devstack.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.devstack.launcher.Main.Command;

class MainTest {
    @Test
    void every_option_is_parsed() {
        assertThat(parse("demo")).isEqualTo(new Command.Demo(false));
        assertThat(parse("demo --once")).isEqualTo(new Command.Demo(true));
        assertThat(parse("up --port 9000 --data /tmp/there --fetchers 3"))
                .isEqualTo(new Command.Up(9000, Path.of("/tmp/there"), 3));
        assertThat(parse("help")).isEqualTo(new Command.Help());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "demo --twice",
                "demo --once more",
                "up --port",
                "up --port 0",
                "up --port 65536",
                "up --port eighty",
                "up --fetchers 65",
                "up here"
            })
    void anything_else_is_invalid(String arguments) {
        assertThat(parse(arguments)).isInstanceOf(Command.Invalid.class);
    }

    private static Command parse(String arguments) {
        return Command.parse(List.of(arguments.split(" ")));
    }
}
