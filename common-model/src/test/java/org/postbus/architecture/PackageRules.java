package org.postbus.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.domain.properties.HasOwner;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import java.util.TreeSet;

/**
 * Rules for the packages of every module: dependencies between them run one way, each has a package-info.java, and the pure ones are
 * free of I/O, of the clock and of reactive types. Each module's test names its packages.
 *
 * <p>Classes of the module are imported with {@link #classesOf}: main classes only.
 */
public final class PackageRules {
    /** Packages whose use makes a class impure: sockets, databases, topics, threads, injection, reactive types. */
    private static final String[] IO = {
        "io.vertx..",
        "io.smallrye..",
        "io.quarkus..",
        "io.micrometer..",
        "jakarta..",
        "java.io..",
        "java.net..",
        "java.net.http..",
        "java.nio.channels..",
        "java.nio.file..",
        "java.sql..",
        "java.util.concurrent..",
        "org.apache.kafka..",
        "org.eclipse.microprofile..",
        "org.hibernate..",
        "org.jboss.logging.."
    };

    /** Values in packages of {@link #IO} that do no I/O by themselves. */
    private static final Class<?>[] VALUES = {
        java.io.IOException.class, java.io.UncheckedIOException.class, java.net.URI.class
    };

    private PackageRules() {}

    /** The main classes below the package {@code root}, such as {@code org.postbus.fetcher}. */
    public static JavaClasses classesOf(String root) {
        JavaClasses classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages(root);
        assertThat(classes).as("classes below %s", root).isNotEmpty();
        return classes;
    }

    /** No two packages below {@code root} depend on each other, neither directly nor by way of others. */
    public static void dependenciesRunOneWay(JavaClasses classes, String root) {
        slices().matching(root + ".(**)").should().beFreeOfCycles().check(classes);
    }

    /** Every package has a {@code package-info.java}. */
    public static void packagesSayWhatBelongsInThem(JavaClasses classes) {
        Set<String> silent = new TreeSet<>();
        for (JavaClass type : classes) {
            JavaPackage of = type.getPackage();
            if (!hasInfo(of.getName())) {
                silent.add(of.getName());
            }
        }
        assertThat(silent).as("packages without a package-info.java").isEmpty();
    }

    /**
     * The classes in these packages are functions and values.
     *
     * @param packages as ArchUnit writes them: {@code org.postbus.writer.decide..} with its subpackages, without the dots itself alone
     */
    public static void arePure(JavaClasses classes, String... packages) {
        noClasses()
                .that()
                .resideInAnyPackage(packages)
                .should()
                .dependOnClassesThat(JavaClass.Predicates.resideInAnyPackage(IO)
                        .and(DescribedPredicate.not(JavaClass.Predicates.belongToAnyOf(VALUES))))
                .check(classes);
        for (Class<?> clock : new Class<?>[] {java.time.Clock.class, System.class}) {
            noClasses()
                    .that()
                    .resideInAnyPackage(packages)
                    .should()
                    .callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                    com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner(
                                            com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo(clock)))
                            .and(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                    com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching(
                                            "currentTimeMillis|nanoTime|instant|millis|system.*|getenv|getProperty"))))
                    .check(classes);
        }
        noClasses()
                .that()
                .resideInAnyPackage(packages)
                .should()
                .callMethod(java.time.Instant.class, "now")
                .check(classes);
    }

    /**
     * Connections to what a tenant can name are opened by {@code org.postbus.mail.egress} alone: nothing else makes a client of Vert.x or a socket.
     * Clients of PostgreSQL and Kafka make their own.
     */
    public static void onlyEgressConnects(JavaClasses classes) {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.postbus.mail.egress..")
                .should()
                .callMethodWhere(ofType("io.vertx.core.Vertx", "create(Net|Http|WebSocket)Client|httpClientBuilder"))
                .orShould()
                .callMethodWhere(ofType("io.vertx.ext.web.client.WebClient", "create|wrap"))
                .orShould()
                .callMethodWhere(ofType("io.vertx.ext.mail.MailClient", "create.*|builder"))
                .orShould()
                .callMethodWhere(ofType("java.net.URL", "open.*"))
                .orShould()
                .dependOnClassesThat()
                .haveNameMatching("java\\.net\\.(Socket|URLConnection|HttpURLConnection)"
                        + "|javax\\.net\\.ssl\\.SSLSocket|java\\.nio\\.channels\\.(Asynchronous)?SocketChannel"
                        + "|java\\.net\\.http\\..*|io\\.netty\\.bootstrap\\..*")
                .allowEmptyShould(true)
                .check(classes);
    }

    private static DescribedPredicate<JavaCall<?>> ofType(String type, String methods) {
        return JavaCall.Predicates.target(HasOwner.Predicates.With.owner(JavaClass.Predicates.assignableTo(type)))
                .and(JavaCall.Predicates.target(HasName.Predicates.nameMatching(methods)));
    }

    private static boolean hasInfo(String name) {
        // Without annotations on it javac writes no class file; the source is what counts.
        return java.nio.file.Files.exists(
                java.nio.file.Path.of("src/main/java", name.replace('.', '/'), "package-info.java"));
    }
}
