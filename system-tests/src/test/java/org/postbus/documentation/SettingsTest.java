package org.postbus.documentation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.postbus.documentation.Sources.Source;

/**
 * The settings of the services are environment variables {@code POSTBUS_*}. They are read in three ways: {@code ${POSTBUS_*}} in a
 * properties file, a method of a {@code @ConfigMapping} interface, and {@code org.postbus.kit.settings.Settings}.
 */
class SettingsTest {
    private static final Pattern IN_PROPERTIES = Pattern.compile("\\$\\{(POSTBUS_[A-Z_]+)");
    private static final Pattern ASSIGNMENT = Pattern.compile("(?m)^(postbus[\\w.-]+)=\\$\\{(POSTBUS_[A-Z_]+)");

    private static final Pattern MAPPING = Pattern.compile("@ConfigMapping\\(prefix = \"([\\w.-]+)\"\\)");
    private static final Pattern MAPPED_METHOD =
            Pattern.compile("(?m)^    (?:[\\w.]+)(?:<[\\w.<>, ]+>)? (\\w+)\\(\\);");

    private static final Pattern KIT_PREFIX = Pattern.compile("String PREFIX = \"(postbus[\\w.-]+)\"");
    private static final Pattern METRIC =
            Pattern.compile("(?:builder|counter|gauge|timer|summary)\\(\\s*\"postbus\\.[\\w.-]+\"");
    private static final Pattern KIT_NAME = Pattern.compile("\"(postbus\\.[\\w.-]+)\"");

    private static final Pattern KIT_SUFFIX = Pattern.compile("PREFIX \\+ \"(\\.[\\w.-]+)\"");
    private static final Pattern KIT_SECRET = Pattern.compile("secret\\(\\s*(PREFIX \\+ )?\"([\\w.-]+)\"\\)");

    /** Setup runs without a framework, and names its variables as they are. */
    private static final Pattern SETUP = Pattern.compile("\"(POSTBUS_SETUP_[A-Z_]+)\"");

    private static final Pattern DOCUMENTED = Pattern.compile("`(POSTBUS_[A-Z_]+)`");

    @Test
    void configuration_md_lists_every_setting_and_nothing_else() {
        Set<String> documented = Sources.documented("configuration.md", "setting", DOCUMENTED);
        assertThat(documented).isEqualTo(readByServices());
    }

    private static Set<String> readByServices() {
        Set<String> settings = new TreeSet<>();
        Set<String> renamed = new TreeSet<>();
        for (Source source : Sources.properties()) {
            settings.addAll(source.find(IN_PROPERTIES));
            renamed.addAll(renamed(source));
        }
        for (Source source : Sources.java()) {
            for (String prefix : source.find(MAPPING)) {
                source.find(MAPPED_METHOD).forEach(method -> settings.add(variable(prefix + "." + kebabCase(method))));
            }
            if (source.text().contains("org.postbus.kit.settings.Settings")) {
                addKitSettings(source, settings);
            }
        }
        settings.removeAll(renamed);
        Sources.javaOf("setup").forEach(source -> settings.addAll(source.find(SETUP)));
        return settings;
    }

    /** Variables that would set a property directly whose value comes from a variable of another name. */
    private static Set<String> renamed(Source source) {
        Set<String> renamed = new TreeSet<>();
        Matcher assignment = ASSIGNMENT.matcher(source.text());
        while (assignment.find()) {
            String direct = variable(assignment.group(1));
            if (!direct.equals(assignment.group(2))) {
                renamed.add(direct);
            }
        }
        return renamed;
    }

    private static void addKitSettings(Source source, Set<String> settings) {
        String prefix = source.find(KIT_PREFIX).stream().findFirst().orElse("");
        Matcher names = KIT_NAME.matcher(METRIC.matcher(source.text()).replaceAll(""));
        while (names.find()) {
            settings.add(variable(names.group(1)));
        }
        source.find(KIT_SUFFIX).forEach(suffix -> settings.add(variable(prefix + suffix)));
        Matcher secret = KIT_SECRET.matcher(source.text());
        while (secret.find()) {
            String name = (secret.group(1) == null ? "" : prefix) + secret.group(2);
            settings.add(variable(name));
            settings.add(variable(name + "-file"));
        }
    }

    private static String kebabCase(String method) {
        return method.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String variable(String property) {
        return property.replaceAll("[.-]", "_").toUpperCase(Locale.ROOT);
    }
}
