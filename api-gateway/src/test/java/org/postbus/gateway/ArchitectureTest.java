package org.postbus.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.gateway";
    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    @Test
    void only_egress_opens_connections() {
        PackageRules.onlyEgressConnects(CLASSES);
    }

    @Test
    void dependencies_run_one_way() {
        PackageRules.dependenciesRunOneWay(CLASSES, ROOT);
    }

    @Test
    void packages_say_what_belongs_in_them() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
    }

    @Test
    void only_topic_publishes() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".topic..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.smallrye.reactive.messaging..",
                        "org.eclipse.microprofile.reactive.messaging..",
                        "org.apache.kafka.clients.producer..")
                .check(CLASSES);
    }

    /** Every transaction sets its tenant, because both ways to a transaction do. */
    @Test
    void only_database_begins_transactions() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".database..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("io.vertx.sqlclient.Pool")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("org.hibernate.reactive.mutiny.Mutiny$SessionFactory")
                .check(CLASSES);
    }

    @Test
    void only_content_and_probe_talk_to_mail_servers() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".content..", ROOT + ".probe..")
                .should()
                .dependOnClassesThat()
                .haveNameMatching("org\\.postbus\\.mail\\..*(ImapClient|ImapConnection|JmapClient|SmtpClient)")
                .check(CLASSES);
    }
}
