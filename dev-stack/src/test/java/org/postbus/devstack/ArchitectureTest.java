package org.postbus.devstack;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.devstack";
    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    @Test
    void dependencies_run_one_way() {
        PackageRules.dependenciesRunOneWay(CLASSES, ROOT);
    }

    @Test
    void every_package_says_what_belongs_in_it() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
    }

    @Test
    void the_shared_servers_of_tests_are_above_all_other_packages() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT)
                .check(CLASSES);
    }

    @Test
    void raw_clients_and_the_corpus_depend_on_no_other_package_of_this_module() {
        for (String alone : new String[] {"rawclient", "corpus", "process"}) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + "." + alone)
                    .should()
                    .dependOnClassesThat(resideInAPackage(ROOT + "..").and(resideOutsideOfPackage(ROOT + "." + alone)))
                    .check(CLASSES);
        }
    }
}
