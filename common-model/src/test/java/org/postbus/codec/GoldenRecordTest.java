package org.postbus.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postbus.account.AccountSettings;
import org.postbus.change.ChangeEvent;
import org.postbus.observation.Observation;

/**
 * The files under {@code golden/} are the schema. Records that are on a topic or stored today must still decode in later versions, so
 * files are only added, never changed. {@code -Dgolden.write=true} writes the files that are missing.
 */
class GoldenRecordTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/v1");

    static Stream<String> names() {
        return Samples.all().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void record_is_written_as_its_golden_file(String name) throws IOException {
        // Given
        Object sample = Samples.all().get(name);
        Path file = GOLDEN.resolve(name + ".json");
        if (Boolean.getBoolean("golden.write") && Files.notExists(file)) {
            Files.writeString(
                    file,
                    EventCodec.mapper()
                                    .writer()
                                    .with(SerializationFeature.INDENT_OUTPUT)
                                    .writeValueAsString(sample) + "\n");
        }

        // When
        JsonNode written = EventCodec.mapper().readTree(EventCodec.encode(sample));

        // Then
        assertThat(written).isEqualTo(EventCodec.mapper().readTree(Files.readAllBytes(file)));
    }

    @ParameterizedTest
    @MethodSource("names")
    void golden_file_is_read_as_its_record(String name) throws IOException {
        Object sample = Samples.all().get(name);

        Object read = EventCodec.decode(Files.readAllBytes(GOLDEN.resolve(name + ".json")), sample.getClass());

        assertThat(read).isEqualTo(sample);
    }

    static Stream<String> formerForms() {
        return Samples.formerForms().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("formerForms")
    void golden_file_in_a_former_form_is_still_read(String name) throws IOException {
        Object sample = Samples.formerForms().get(name);

        Object read = EventCodec.decode(Files.readAllBytes(GOLDEN.resolve(name + ".json")), sample.getClass());

        assertThat(read).isEqualTo(sample);
    }

    @Test
    void every_golden_file_is_read_by_a_test() throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Stream.concat(names(), formerForms())
                            .map(name -> name + ".json")
                            .toList());
        }
    }

    @Test
    void every_observation_every_change_and_all_settings_have_a_sample() {
        assertThat(classes(Samples.observations().values()))
                .isEqualTo(Set.of(Observation.class.getPermittedSubclasses()));
        assertThat(classes(Samples.changes().values()))
                .isEqualTo(Set.of(ChangeEvent.Change.class.getPermittedSubclasses()));
        assertThat(classes(Samples.settings().values()))
                .isEqualTo(Set.of(AccountSettings.class.getPermittedSubclasses()));
    }

    @Test
    void docs_quote_every_golden_file_of_the_public_topic() throws IOException {
        String docs = Files.readString(Path.of("../docs/events.md")).replaceAll("\\s", "");
        for (String name : Samples.changes().keySet()) {
            assertThat(docs)
                    .as("docs/events.md must quote golden/v1/%s.json", name)
                    .contains(Files.readString(GOLDEN.resolve(name + ".json")).replaceAll("\\s", ""));
        }
    }

    private static Set<Class<?>> classes(Iterable<?> values) {
        return Arrays.stream(toArray(values)).map(Object::getClass).collect(Collectors.toSet());
    }

    private static Object[] toArray(Iterable<?> values) {
        return Stream.of(values)
                .flatMap(all -> java.util.stream.StreamSupport.stream(all.spliterator(), false))
                .toArray();
    }
}
