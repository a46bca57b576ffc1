package org.postbus;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String[] RECORDS = {
        "org.postbus.model", "org.postbus.account", "org.postbus.observation", "org.postbus.change", "org.postbus.topic"
    };

    private final JavaClasses classes = PackageRules.classesOf("org.postbus");

    @Test
    void dependencies_between_packages_run_one_way() {
        PackageRules.dependenciesRunOneWay(classes, "org.postbus");
    }

    @Test
    void every_package_says_what_belongs_in_it() {
        PackageRules.packagesSayWhatBelongsInThem(classes);
    }

    /** Except the classes that Jackson calls with streams of its own. */
    @Test
    void records_are_pure() {
        DescribedPredicate<JavaClass> codecsOfBodies = DescribedPredicate.describe(
                "read and write body values",
                type -> type.getName().startsWith("org.postbus.model.BodyValues")
                        || type.getName().equals("org.postbus.model.RawJson"));
        PackageRules.arePure(classes.that(DescribedPredicate.not(codecsOfBodies)), RECORDS);
    }

    @Test
    void only_the_cipher_uses_files_and_cryptography() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.postbus.account.cipher")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.nio.file..", "java.security..", "com.google.crypto.tink..")
                .check(classes);
    }

    @Test
    void observations_and_changes_do_not_know_each_other() {
        noClasses()
                .that()
                .resideInAPackage("org.postbus.observation")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.postbus.change")
                .check(classes);
        noClasses()
                .that()
                .resideInAPackage("org.postbus.change")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.postbus.observation")
                .check(classes);
    }
}
