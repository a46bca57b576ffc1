package org.postbus.kit;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.kit";
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
    void the_kit_knows_no_service_and_no_mail_protocol() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.postbus.mail",
                        "org.postbus.mail.imap..",
                        "org.postbus.mail.jmap..",
                        "org.postbus.mail.mime..",
                        "org.postbus.mail.smtp..",
                        "org.postbus.fetcher..",
                        "org.postbus.writer..",
                        "org.postbus.outbound..",
                        "org.postbus.gateway..",
                        "org.postbus.devstack..")
                .check(CLASSES);
    }

    @Test
    void waiting_and_loops_know_neither_sql_nor_kafka() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".concurrent..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.vertx.sqlclient..", "io.vertx.pgclient..", "org.apache.kafka..", "java.sql..")
                .check(CLASSES);
    }
}
