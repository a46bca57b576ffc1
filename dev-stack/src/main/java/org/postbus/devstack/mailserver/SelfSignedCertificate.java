package org.postbus.devstack.mailserver;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.postbus.devstack.process.ChildProcess;

/** Writes PKCS12 keystores with an EC key and a certificate for {@code localhost} and 127.0.0.1, by the JDK's {@code keytool}. */
public final class SelfSignedCertificate {
    /** The key's name in the keystore. James finds its key by this name only. */
    public static final String ALIAS = "james";

    private static final Duration KEYTOOL_WAIT = Duration.ofSeconds(30);
    private static final String PASSWORD_VARIABLE = "KEYSTORE_PASSWORD";

    private SelfSignedCertificate() {}

    /**
     * @param keystore must not exist
     * @param log receives the output of {@code keytool}
     * @throws IllegalStateException with the end of the log, if {@code keytool} fails
     */
    public static void write(Path keystore, String password, Path log) {
        ChildProcess.start(
                        "keytool",
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                ALIAS,
                                "-keyalg",
                                "EC",
                                "-groupname",
                                "secp256r1",
                                "-validity",
                                "3650",
                                "-dname",
                                "CN=localhost",
                                "-ext",
                                "SAN=dns:localhost,ip:127.0.0.1",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                keystore.toString(),
                                "-storepass:env",
                                PASSWORD_VARIABLE),
                        Map.of(PASSWORD_VARIABLE, password),
                        keystore.getParent(),
                        log)
                .awaitSuccess(KEYTOOL_WAIT);
    }
}
