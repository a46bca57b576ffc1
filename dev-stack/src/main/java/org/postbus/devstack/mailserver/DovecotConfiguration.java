package org.postbus.devstack.mailserver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.postbus.account.Secret;

/**
 * Dovecot's files: configuration, certificate, passwords and mail, all in one directory.
 *
 * @param hidden capabilities that are not advertised
 */
record DovecotConfiguration(Path directory, Dovecot.Ports ports, Set<String> hidden) {
    /** Dovecot refuses to access mail as root; every system has this user. */
    private static final String MAIL_USER = "nobody";

    private static final String MAIL_GROUP = "nogroup";
    /** The keystore is deleted at once. */
    private static final String KEYSTORE_PASSWORD = "not a secret";
    /** The capabilities that Dovecot 2.3.19 advertises after login. */
    private static final List<String> CAPABILITIES =
            List.of(("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS"
                            + " THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS"
                            + " LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN"
                            + " CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE"
                            + " SAVEDATE LITERAL+ NOTIFY SPECIAL-USE")
                    .split(" "));

    Path file() {
        return directory.resolve("dovecot.conf");
    }

    void write(Path log) throws IOException {
        if (isRoot()) {
            // Processes without root's rights must reach their sockets and mail below it.
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        own(Files.createDirectories(directory.resolve("mail")));
        own(Files.createDirectories(users()));
        writeTokenKey();
        writeCertificate(log);
        Files.writeString(file(), configuration());
    }

    /**
     * One file per user: Dovecot notices that a file has changed only in the next second, and until then refuses added users.
     */
    void writeUser(Dovecot.User user) throws IOException {
        Path fresh = directory.resolve("user.new");
        Files.writeString(fresh, user.name() + ":{PLAIN}" + user.password().reveal() + "\n");
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
        own(fresh);
        Files.move(fresh, users().resolve(user.name()), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The path at which Dovecot looks for the HS256 key of tokens without a key id. */
    private void writeTokenKey() throws IOException {
        Path keys = Files.createDirectories(directory.resolve("keys/default/HS256"));
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);
        Files.writeString(keys.resolve("default"), Base64.getEncoder().encodeToString(key));
        own(keys.resolve("default"));
        Files.writeString(directory.resolve("oauth2.conf"), """
                introspection_mode = local
                local_validation_key_dict = fs:posix:prefix=DIRECTORY/keys/
                username_attribute = email
                """.replace("DIRECTORY", directory.toString()));
    }

    /** A JSON Web Token (RFC 7519) that {@code oauth2.conf} accepts. */
    Secret accessToken(String user, Instant issued, Instant expires) {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        String claims = "{\"sub\":\"%1$s\",\"email\":\"%1$s\",\"iat\":%2$d,\"exp\":%3$d}"
                .formatted(user, issued.getEpochSecond(), expires.getEpochSecond());
        String signed = base64.encodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.US_ASCII))
                + "." + base64.encodeToString(claims.getBytes(StandardCharsets.US_ASCII));
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            String key = Files.readString(directory.resolve("keys/default/HS256/default"));
            mac.init(new SecretKeySpec(Base64.getDecoder().decode(key), "HmacSHA256"));
            return new Secret(
                    signed + "." + base64.encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII))));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path users() {
        return directory.resolve("users");
    }

    String certificate() {
        try {
            return Files.readString(directory.resolve("cert.pem"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private void own(Path path) throws IOException {
        if (isRoot()) {
            UserPrincipal owner =
                    path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(MAIL_USER);
            Files.setOwner(path, owner);
        }
    }

    private String configuration() {
        String user = isRoot() ? MAIL_USER : System.getProperty("user.name");
        String capabilities = hidden.isEmpty()
                ? ""
                : "imap_capability = "
                        + CAPABILITIES.stream()
                                .filter(name -> !hidden.contains(name))
                                .collect(Collectors.joining(" "));
        return """
                protocols = imap
                listen = 127.0.0.1
                base_dir = DIRECTORY/run
                state_dir = DIRECTORY/run
                instance_name = postbus-test
                log_path = /dev/stderr
                default_login_user = USER
                default_internal_user = USER
                default_internal_group = GROUP
                disable_plaintext_auth = no
                auth_mechanisms = plain login scram-sha-1 scram-sha-256 oauthbearer xoauth2
                # Tests wait for the response to a wrong password.
                auth_failure_delay = 0
                ssl = yes
                ssl_cert = <DIRECTORY/cert.pem
                ssl_key = <DIRECTORY/key.pem
                mail_uid = USER
                mail_gid = GROUP
                # sdbox keeps mod-sequences and expunged UIDs in its index, and a message is one file.
                mail_location = sdbox:~/mail
                mail_fsync = never
                # With kernel locks a session panics now and then because it suspects a deadlock.
                lock_method = dotlock
                mail_max_userip_connections = 100
                mailbox_list_index = yes
                first_valid_uid = 1
                CAPABILITIES
                # Adds COMPRESS=DEFLATE.
                protocol imap {
                  mail_plugins = zlib imap_zlib
                }
                passdb {
                  driver = oauth2
                  mechanisms = oauthbearer xoauth2
                  args = DIRECTORY/oauth2.conf
                }
                passdb {
                  driver = passwd-file
                  args = scheme=plain username_format=%u DIRECTORY/users/%u
                }
                userdb {
                  driver = static
                  args = home=DIRECTORY/mail/%u
                }
                namespace inbox {
                  inbox = yes
                  separator = /
                  mailbox Drafts {
                    special_use = \\Drafts
                    auto = subscribe
                  }
                  mailbox Junk {
                    special_use = \\Junk
                    auto = subscribe
                  }
                  mailbox Sent {
                    special_use = \\Sent
                    auto = subscribe
                  }
                  mailbox Trash {
                    special_use = \\Trash
                    auto = subscribe
                  }
                }
                protocol imap {
                  # Changes by other sessions are reported within a second, not after half a minute.
                  mailbox_idle_check_interval = 1 s
                }
                service imap-login {
                  chroot =
                  inet_listener imap {
                    port = PLAIN_PORT
                  }
                  inet_listener imaps {
                    port = TLS_PORT
                    ssl = yes
                  }
                }
                service anvil {
                  chroot =
                }
                service stats {
                  chroot =
                }
                """.replace("DIRECTORY", directory.toString())
                .replace("CAPABILITIES", capabilities)
                .replace("PLAIN_PORT", Integer.toString(ports.imap()))
                .replace("TLS_PORT", Integer.toString(ports.imaps()))
                .replace("USER", user)
                .replace("GROUP", group());
    }

    /** For an ordinary user: the group of the files that this user creates. */
    private String group() {
        try {
            return isRoot()
                    ? MAIL_GROUP
                    : Files.getAttribute(directory, "posix:group").toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In PEM form, as Dovecot reads it. */
    private void writeCertificate(Path log) throws IOException {
        Path file = directory.resolve("keystore");
        SelfSignedCertificate.write(file, KEYSTORE_PASSWORD, log);
        try (InputStream in = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(in, KEYSTORE_PASSWORD.toCharArray());
            Files.writeString(
                    directory.resolve("cert.pem"),
                    pem(
                            "CERTIFICATE",
                            store.getCertificate(SelfSignedCertificate.ALIAS).getEncoded()));
            Files.writeString(
                    directory.resolve("key.pem"),
                    pem(
                            "PRIVATE KEY",
                            store.getKey(SelfSignedCertificate.ALIAS, KEYSTORE_PASSWORD.toCharArray())
                                    .getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
        Files.setPosixFilePermissions(directory.resolve("key.pem"), PosixFilePermissions.fromString("rw-------"));
        Files.delete(file);
    }

    private static String pem(String what, byte[] der) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END " + what + "-----\n";
    }
}
