package org.postbus.outbound;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.outbound";
    private static final String[] PURE = {
        ROOT + ".mutation..", ROOT + ".submission..", ROOT + ".retry..", ROOT + ".imap.plan..", ROOT + ".jmap.plan.."
    };
    private static final String[] PROTOCOLS = {ROOT + ".imap..", ROOT + ".jmap..", ROOT + ".smtp.."};

    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    @Test
    void only_egress_opens_connections() {
        PackageRules.onlyEgressConnects(CLASSES);
    }

    @Test
    void dependencies_between_packages_run_one_way() {
        PackageRules.dependenciesRunOneWay(CLASSES, ROOT);
    }

    @Test
    void every_package_says_what_belongs_in_it() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
    }

    @Test
    void folding_plans_and_policies_are_pure() {
        PackageRules.arePure(CLASSES, PURE);
    }

    @Test
    void nothing_depends_on_the_wiring() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT)
                .check(CLASSES);
    }

    @Test
    void imap_and_jmap_do_not_know_each_other() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".imap..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".jmap..", "org.postbus.mail.jmap..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".jmap..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".imap..", "org.postbus.mail.imap..")
                .check(CLASSES);
    }

    @Test
    void protocols_know_neither_the_database_nor_the_queue() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        ROOT + ".flush..",
                        ROOT + ".queue..",
                        ROOT + ".table..",
                        "io.vertx.sqlclient..",
                        "org.postbus.kit.sql..")
                .check(CLASSES);
    }

    @Test
    void tables_are_used_by_flushes_only() {
        classes()
                .that()
                .resideInAPackage(ROOT + ".table..")
                .should()
                .onlyBeAccessed()
                .byAnyPackage(ROOT + ".table..", ROOT + ".flush..")
                .check(CLASSES);
    }
}
