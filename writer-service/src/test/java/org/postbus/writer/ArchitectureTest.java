package org.postbus.writer;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;
import org.postbus.kit.sql.Transaction;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.writer";
    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    @Test
    void dependencies_between_packages_run_one_way() {
        PackageRules.dependenciesRunOneWay(CLASSES, ROOT);
    }

    @Test
    void every_package_has_a_package_info() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
    }

    @Test
    void decide_is_pure() {
        PackageRules.arePure(CLASSES, ROOT + ".decide..");
    }

    @Test
    void decide_knows_no_other_package() {
        forbid("decide", "ingest", "apply", "table", "publish");
    }

    @Test
    void table_knows_neither_the_steps_nor_the_topics() {
        forbid("table", "ingest", "apply", "publish");
    }

    @Test
    void applying_and_publishing_do_not_know_each_other() {
        forbid("apply", "ingest", "publish");
        forbid("publish", "ingest", "apply", "decide");
    }

    @Test
    void no_package_depends_on_the_wiring() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT)
                .check(CLASSES);
    }

    @Test
    void sql_is_written_in_table_only() {
        classes()
                .that()
                .haveSimpleNameEndingWith("Table")
                .should()
                .resideInAPackage(ROOT + ".table")
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".table")
                .should()
                .callMethod(Transaction.class, "send", String.class, Object[].class)
                .orShould()
                .callMethod(Transaction.class, "query", String.class, Object[].class)
                .orShould()
                .callMethod(Transaction.class, "run", String.class, Object[].class)
                .check(CLASSES);
    }

    private static void forbid(String of, String... others) {
        for (String other : others) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + "." + of + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage(ROOT + "." + other + "..")
                    .check(CLASSES);
        }
    }
}
