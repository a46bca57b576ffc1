package org.postbus.system;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String BENCH = "org.postbus.bench";
    private static final JavaClasses BENCHES = PackageRules.classesOf(BENCH);
    private static final JavaClasses COMPARISONS = PackageRules.classesOf("org.postbus.compare");

    @Test
    void dependencies_run_one_way() {
        PackageRules.dependenciesRunOneWay(BENCHES, BENCH);
    }

    @Test
    void every_package_says_what_belongs_in_it() {
        PackageRules.packagesSayWhatBelongsInThem(BENCHES);
        PackageRules.packagesSayWhatBelongsInThem(COMPARISONS);
    }

    @Test
    void comparisons_do_not_know_the_benchmarks() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage(BENCH + "..")
                .check(COMPARISONS);
    }

    @Test
    void benchmarks_do_not_know_each_other() {
        Set<String> benchmarks = Set.of("sync", "latency", "flush", "unchanged", "idle", "fairness", "tenants");
        for (String one : benchmarks) {
            List<String> others = benchmarks.stream()
                    .filter(other -> !other.equals(one))
                    .map(other -> BENCH + "." + other)
                    .toList();
            noClasses()
                    .that()
                    .resideInAPackage(BENCH + "." + one)
                    .should()
                    .dependOnClassesThat(resideInAnyPackage(others.toArray(String[]::new)))
                    .check(BENCHES);
        }
    }

    @Test
    void options_are_pure() {
        PackageRules.arePure(BENCHES, BENCH + ".options");
    }

    @Test
    void measurement_does_not_know_the_system_under_test() {
        noClasses()
                .that()
                .resideInAPackage(BENCH + ".measure")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(BENCH + ".stage", BENCH + ".floor", "org.postbus.devstack.local")
                .check(BENCHES);
    }
}
