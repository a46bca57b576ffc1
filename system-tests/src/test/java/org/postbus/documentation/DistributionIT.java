package org.postbus.documentation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;

/**
 * What the services consist of, as their builds list it in {@code target/quarkus-run-cyclonedx.json}: under which licences, and that the build knows the
 * checksum of each library. Writes the licences to {@code target/third-party-licences.md}.
 */
class DistributionIT {
    private static final Path ROOT = Path.of("..");
    private static final List<String> SERVICES =
            List.of("api-gateway", "fetcher-service", "outbound-service", "writer-service");

    /** By {@code group:name:version}. */
    private static final Map<String, Library> LIBRARIES = new TreeMap<>();

    /** @param licences the library may be used under any of them */
    private record Library(Set<String> licences, String sha256) {}

    @BeforeAll
    static void read() throws IOException {
        for (String service : SERVICES) {
            JsonNode bom = EventCodec.mapper()
                    .readTree(Files.readString(ROOT.resolve(service).resolve("target/quarkus-run-cyclonedx.json")));
            for (JsonNode component : bom.path("components")) {
                if (isDelivered(component)) {
                    LIBRARIES.put(
                            component.path("group").asText() + ":"
                                    + component.path("name").asText() + ":"
                                    + component.path("version").asText(),
                            new Library(licences(component), sha256(component)));
                }
            }
        }
        assertThat(LIBRARIES).hasSizeGreaterThan(100);
    }

    @Test
    void no_library_requires_the_gpl() throws IOException {
        Files.writeString(
                Path.of("target/third-party-licences.md"),
                LIBRARIES.entrySet().stream()
                        .map(library -> "| `" + library.getKey() + "` | "
                                + String.join(" or ", library.getValue().licences()) + " |\n")
                        .collect(Collectors.joining("", "| library | licence |\n|---|---|\n", "")));

        assertThat(LIBRARIES)
                .allSatisfy((name, library) -> assertThat(library.licences())
                        .as("the licences of %s", name)
                        .anyMatch(licence -> !requiresGpl(licence)));
    }

    @Test
    void build_knows_the_checksum_of_every_library() throws IOException {
        Set<String> known;
        try (Stream<String> lines = Files.lines(ROOT.resolve(".mvn/checksums/checksums.sha256"))) {
            known = lines.map(line -> line.substring(0, 64)).collect(Collectors.toSet());
        }
        assertThat(LIBRARIES)
                .as("record new libraries as docs/operations.md says, after you have checked them")
                .allSatisfy((name, library) -> assertThat(known).as(name).contains(library.sha256()));
    }

    @Test
    void gpl_is_told_from_licences_that_allow_linking() {
        assertThat(Stream.of("GPL-2.0-only", "GPL-3.0", "AGPL-3.0-or-later", "GNU General Public License v2"))
                .allMatch(DistributionIT::requiresGpl);
        assertThat(Stream.of(
                        "Apache-2.0",
                        "LGPL-2.1-only",
                        "GPL-2.0-with-classpath-exception",
                        "GNU Lesser General Public License"))
                .noneMatch(DistributionIT::requiresGpl);
    }

    private static boolean requiresGpl(String licence) {
        String text = licence.toLowerCase(Locale.ROOT);
        boolean gpl = text.contains("gpl") || text.contains("general public license");
        boolean linking = text.contains("lgpl") || text.contains("lesser") || text.contains("exception");
        return gpl && !linking;
    }

    /** Libraries that only the build needs have the scope {@code development}. */
    private static boolean isDelivered(JsonNode component) {
        boolean runtime = false;
        for (JsonNode property : component.path("properties")) {
            runtime |= property.path("name").asText().contains("scope")
                    && property.path("value").asText().equals("runtime");
        }
        return runtime
                && component.path("purl").asText().startsWith("pkg:maven/")
                && !component.path("group").asText().equals("org.postbus");
    }

    private static Set<String> licences(JsonNode component) {
        Set<String> licences = new TreeSet<>();
        for (JsonNode licence : component.path("licenses")) {
            licences.add(Stream.of(
                            licence.path("license").path("id"),
                            licence.path("license").path("name"),
                            licence.path("expression"))
                    .filter(JsonNode::isTextual)
                    .map(JsonNode::asText)
                    .findFirst()
                    .orElse("unknown"));
        }
        return licences;
    }

    private static String sha256(JsonNode component) {
        for (JsonNode hash : component.path("hashes")) {
            if (hash.path("alg").asText().equals("SHA-256")) {
                return hash.path("content").asText();
            }
        }
        return "";
    }
}
