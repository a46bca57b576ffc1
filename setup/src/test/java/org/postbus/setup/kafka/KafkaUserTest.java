package org.postbus.setup.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class KafkaUserTest {
    /** For clusters whose rights are managed with Kafka's own tools. */
    @Test
    void the_script_in_deploy_grants_what_this_list_says() throws IOException {
        List<String> script;
        try (Stream<String> lines = Files.lines(Path.of("../deploy/kafka-acls.sh"))) {
            script = lines.filter(line -> line.startsWith("allow "))
                    .map(line -> line.substring("allow ".length()))
                    .toList();
        }
        assertThat(script).isEqualTo(KafkaUser.asArguments());
    }
}
