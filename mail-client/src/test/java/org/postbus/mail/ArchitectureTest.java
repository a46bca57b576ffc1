package org.postbus.mail;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.postbus.architecture.PackageRules;

class ArchitectureTest {
    private static final String ROOT = "org.postbus.mail";
    private static final JavaClasses CLASSES = PackageRules.classesOf(ROOT);

    /** Functions and values: no sockets, no clock, no threads, no reactive types. Vert.x's Buffer counts as I/O, too. */
    private static final String[] PURE = {ROOT, ROOT + ".imap.session..", ROOT + ".jmap.method.."};

    /** The same, except that they may write to memory as to a stream, read a message in memory as one, and name a URI. */
    private static final String[] PURE_IN_MEMORY = {
        ROOT + ".imap.framing..",
        ROOT + ".imap.grammar..",
        ROOT + ".imap.sasl..",
        ROOT + ".jmap.codec..",
        ROOT + ".mime.."
    };

    private static final DescribedPredicate<JavaClass> IO = JavaClass.Predicates.resideInAnyPackage(
                    "io.vertx..",
                    "io.netty..",
                    "io.smallrye..",
                    "java.io..",
                    "java.net..",
                    "java.nio.channels..",
                    "java.nio.file..",
                    "java.util.concurrent..",
                    "org.jboss.logging..")
            .and(DescribedPredicate.not(JavaClass.Predicates.belongToAnyOf(
                    ByteArrayInputStream.class,
                    ByteArrayOutputStream.class,
                    InputStream.class,
                    IOException.class,
                    URI.class)))
            .as("I/O, threads or reactive types");

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
    void grammar_session_codec_and_mime_are_pure() {
        PackageRules.arePure(CLASSES, PURE);
        noClasses()
                .that()
                .resideInAnyPackage(PURE_IN_MEMORY)
                .should()
                .dependOnClassesThat(IO)
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAnyPackage(PURE_IN_MEMORY)
                .should()
                .callMethod(Instant.class, "now")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(Clock.class)
                .check(CLASSES);
    }

    @Test
    void a_layer_of_imap_knows_only_the_layers_below() {
        layerDoesNotKnow(".imap.framing..", ".imap.grammar..", ".imap.sasl..", ".imap.session..", ".imap.connection..");
        layerDoesNotKnow(".imap.grammar..", ".imap.session..", ".imap.connection..");
        layerDoesNotKnow(".imap.session..", ".imap.connection..");
    }

    @Test
    void a_layer_of_jmap_knows_only_the_layers_below() {
        layerDoesNotKnow(".jmap.method..", ".jmap.codec..", ".jmap.http..", ".jmap.push..");
        layerDoesNotKnow(".jmap.codec..", ".jmap.http..", ".jmap.push..");
        layerDoesNotKnow(".jmap.http..", ".jmap.push..");
    }

    @Test
    void protocols_do_not_know_each_other() {
        layerDoesNotKnow(".imap..", ".jmap..", ".smtp..", ".mime..");
        layerDoesNotKnow(".jmap..", ".imap..", ".smtp..", ".mime..");
        layerDoesNotKnow(".smtp..", ".imap..", ".jmap..", ".mime..");
    }

    /** MIME uses the structure of a message as IMAP reports it, which is a value; it knows nothing of connections. */
    @Test
    void mime_knows_no_connection() {
        layerDoesNotKnow(
                ".mime..",
                ".imap.framing..",
                ".imap.grammar.command..",
                ".imap.grammar.response..",
                ".imap.sasl..",
                ".imap.session..",
                ".imap.connection..",
                ".jmap..",
                ".smtp..");
    }

    private static void layerDoesNotKnow(String layer, String... others) {
        String[] packages = Arrays.stream(others).map(ROOT::concat).toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(ROOT + layer)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packages)
                .check(CLASSES);
    }
}
