package org.postbus.setup;

import com.tngtech.archunit.core.domain.JavaClasses;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.setup";
    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    @Test
    void dependencies_run_one_way() {
        PackageRules.dependenciesRunOneWay(CLASSES, ROOT);
    }

    @Test
    void every_package_says_what_belongs_in_it() {
        PackageRules.packagesSayWhatBelongsInThem(CLASSES);
    }
}
