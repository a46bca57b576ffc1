package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A self-signed certificate, as PEM files.
 *
 * @param trusted the certificate
 * @param own the private key and the certificate
 */
record Certificate(Path trusted, Path own) {
    private static final String PASSWORD = "password";

    /** @param commonName the subject's CN; valid for {@code localhost} and 127.0.0.1 too */
    static Certificate of(String commonName, Path directory)
            throws IOException, GeneralSecurityException, InterruptedException {
        Path file = directory.resolve(commonName + ".p12");
        Process keytool = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-alias",
                        "own",
                        "-dname",
                        "CN=" + commonName,
                        "-ext",
                        "SAN=dns:localhost,ip:127.0.0.1",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        file.toString()))
                .redirectErrorStream(true)
                .start();
        assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
        KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
        String certificate = pem("CERTIFICATE", store.getCertificate("own").getEncoded());
        String key =
                pem("PRIVATE KEY", store.getKey("own", PASSWORD.toCharArray()).getEncoded());
        return new Certificate(
                Files.writeString(directory.resolve(commonName + "-trusted.pem"), certificate),
                Files.writeString(directory.resolve(commonName + "-own.pem"), key + certificate));
    }

    private static String pem(String what, byte[] content) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + what
                + "-----\n";
    }
}
