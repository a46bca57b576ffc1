package org.postbus.documentation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.postbus.documentation.Sources.Source;

/** Metrics are documented under the names that Prometheus shows, which Micrometer derives from those in the code. */
class MetricsTest {
    /** A metric's type and its name in the code, in one of Micrometer's two forms. */
    private static final Pattern REGISTERED = Pattern.compile(
            "(?:\\.(counter|timer|summary|gauge)|\\b(Counter|FunctionCounter|Timer|DistributionSummary|Gauge)\\.builder)\\(\\s*\"(postbus[\\w.-]+)\"");

    private static final Pattern BASE_UNIT = Pattern.compile("\\.baseUnit\\(\"(\\w+)\"\\)");
    /** Labels may follow the name: {@code `postbus_batches_total{outcome}`}. */
    private static final Pattern DOCUMENTED = Pattern.compile("`(postbus_[a-z_]+)(?:\\{[^`]*})?`");

    @Test
    void operations_md_lists_every_metric_and_nothing_else() {
        assertThat(Sources.documented("operations.md", "metric", DOCUMENTED)).isEqualTo(registered());
    }

    private static Set<String> registered() {
        Set<String> names = new TreeSet<>();
        for (Source source : Sources.java()) {
            Matcher metric = REGISTERED.matcher(source.text());
            while (metric.find()) {
                String type = metric.group(1) != null ? metric.group(1) : metric.group(2);
                names.add(prometheusName(type, metric.group(3), baseUnit(source.text(), metric.end())));
            }
        }
        return names;
    }

    /** A builder's base unit stands in the same statement. */
    private static String baseUnit(String text, int from) {
        Matcher unit = BASE_UNIT.matcher(text.substring(from, text.indexOf(';', from)));
        return unit.find() ? unit.group(1) : "";
    }

    /** https://docs.micrometer.io/micrometer/reference/concepts/naming.html */
    private static String prometheusName(String type, String name, String baseUnit) {
        String base = name.replaceAll("[.-]", "_");
        String withUnit = baseUnit.isEmpty() || base.endsWith("_" + baseUnit) ? base : base + "_" + baseUnit;
        return switch (type) {
            case "counter", "Counter", "FunctionCounter" -> withUnit + "_total";
            case "timer", "Timer" -> base + "_seconds";
            case "summary", "DistributionSummary", "gauge", "Gauge" -> withUnit;
            default -> throw new IllegalStateException(type);
        };
    }
}
