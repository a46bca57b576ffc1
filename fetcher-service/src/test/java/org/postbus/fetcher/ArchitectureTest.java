package org.postbus.fetcher;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.fetcher";
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
    void every_package_has_a_description() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
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
    void only_the_store_knows_sql() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".*..")
                .and()
                .resideOutsideOfPackage(ROOT + ".store..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.vertx.sqlclient..", "io.vertx.pgclient..")
                .check(CLASSES);
    }

    /** Decisions are functions of what they are given. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "assignment.Assignments",
                "loop.AuthFailurePolicy",
                "loop.PollSchedule",
                "source.Backoff",
                "source.ComparisonSchedule",
                "imap.DirtyMailboxes",
                "imap.StatusSchedule",
                "imap.mailbox.FlagsWork",
                "imap.mailbox.MailboxListing",
                "imap.mailbox.MailboxWork",
                "imap.mailbox.StatusNumbers",
                "imap.message.PoisonMessages",
                "jmap.CountAudit",
                "jmap.JmapObservations",
                "jmap.OverlapWindow",
                "jmap.ReassignedIds",
                "jmap.ReconciliationSchedule"
            })
    void decisions_are_pure(String name) {
        noClasses()
                .that()
                .haveFullyQualifiedName(ROOT + "." + name)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.vertx..",
                        "io.smallrye..",
                        "io.quarkus..",
                        "io.micrometer..",
                        "jakarta..",
                        "java.io..",
                        "java.net..",
                        "java.util.concurrent..",
                        "org.apache.kafka..",
                        "org.eclipse.microprofile..",
                        "org.jboss.logging..",
                        ROOT + ".publish..")
                .check(CLASSES);
        noClasses()
                .that()
                .haveFullyQualifiedName(ROOT + "." + name)
                .should()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.time.Clock.class)
                .check(CLASSES);
    }
}
