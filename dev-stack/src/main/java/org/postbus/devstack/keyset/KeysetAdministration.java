package org.postbus.devstack.keyset;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.Keyset;
import org.postbus.account.cipher.KeysetFile;
import org.postbus.devstack.admin.Admin;
import org.postbus.devstack.admin.AdminCommand.Target;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.keyset.KeysetCommand.Invocation;

/**
 * Carries out a {@link KeysetCommand}. Only {@code list} and {@code prune} ask a gateway; the others need nothing but the file.
 *
 * <p>The rotation: 1. {@code add}: the file has a new key, which decrypts; 2. every service loads the file; 3. {@code promote}: the new key
 * encrypts; 4. the gateways encrypt the credentials of older keys again; 5. {@code prune}: older keys that encrypt nothing are removed.
 * {@code rotate} is 1 to 3, for services that share the file; if it is interrupted, it continues when it is run again.
 */
public final class KeysetAdministration {
    /** Until every service has loaded the file, and the requests that had begun before have ended. */
    static final Duration PRUNE_AGE_MIN = Duration.ofSeconds(60);

    private final KeysetFile file;
    private final Supplier<KeysetUsage> gateway;
    private final PrintStream out;

    KeysetAdministration(KeysetFile file, Supplier<KeysetUsage> gateway, PrintStream out) {
        this.file = file;
        this.gateway = gateway;
        this.out = out;
    }

    /**
     * Returns when the command is carried out.
     *
     * @param kekUri of the KMS key that encrypts the file, if one does
     * @throws IllegalStateException saying why it was not
     */
    public static void run(Invocation invocation, Optional<String> kekUri, PrintStream out)
            throws IOException, InterruptedException {
        new KeysetAdministration(KeysetFile.of(invocation.file(), kekUri), () -> usage(invocation.gateway()), out)
                .run(invocation.command());
    }

    void run(KeysetCommand command) throws IOException, InterruptedException {
        switch (command) {
            case KeysetCommand.Create() -> {
                file.create();
                out.println(file.path() + " has the key " + file.read().primary()
                        + ". Back it up: without it no credential can be decrypted.");
            }
            case KeysetCommand.ListKeys() -> list();
            case KeysetCommand.Add() -> add();
            case KeysetCommand.Promote() -> promote();
            case KeysetCommand.Rotate(var pause) -> {
                if (file.read().newestIsPrimary()) {
                    add();
                }
                out.println("Waiting " + pause.toSeconds() + " s, until every service has loaded it.");
                Thread.sleep(pause);
                promote();
            }
            case KeysetCommand.Prune() -> prune();
            case KeysetCommand.Wrap() -> {
                Path backup = file.wrap();
                out.println(
                        file.path() + " is encrypted. " + backup + " is still plain text: move it to a safe place.");
            }
        }
    }

    private void list() {
        Keyset keyset = file.read();
        KeysetUsage usage = gateway.get();
        out.printf("%-12s  %-8s  %s%n", "KEY", "STATE", "CREDENTIALS");
        keyset.keys()
                .forEach(key -> out.printf(
                        "%-12s  %-8s  %d%n",
                        key.id(),
                        key.primary() ? "primary" : keyset.old().contains(key.id()) ? "old" : "new",
                        usage.count(key.id())));
        if (usage.lost(keyset) > 0) {
            out.println(usage.lost(keyset) + " credentials are encrypted with keys that this keyset does not hold.");
        }
    }

    private void add() throws IOException {
        Keyset keyset = file.read();
        if (!keyset.newestIsPrimary()) {
            throw new IllegalStateException(
                    "the key " + keyset.keys().getLast().id() + " was added and does not encrypt yet: promote it");
        }
        Keyset extended = keyset.withNewKey();
        Path backup = file.replace(extended);
        out.println(
                "Added the key " + extended.keys().getLast().id() + ", which decrypts. The keyset before: " + backup);
    }

    private void promote() throws IOException {
        Keyset keyset = file.read();
        if (keyset.newestIsPrimary()) {
            throw new IllegalStateException(
                    "the newest key, " + keyset.primary() + ", is the primary one: add one first");
        }
        Keyset promoted = keyset.withNewestPrimary();
        Path backup = file.replace(promoted);
        out.println("The key " + promoted.primary() + " encrypts. The keyset before: " + backup);
    }

    private void prune() throws IOException {
        Keyset keyset = file.read();
        if (keyset.old().isEmpty()) {
            throw new IllegalStateException("no key is older than the primary one");
        }
        Duration age = Duration.between(Files.getLastModifiedTime(file.path()).toInstant(), Instant.now());
        if (age.compareTo(PRUNE_AGE_MIN) < 0) {
            throw new IllegalStateException("the keyset was changed " + age.toSeconds()
                    + " s ago and may not be loaded everywhere: wait until it is " + PRUNE_AGE_MIN.toSeconds()
                    + " s old");
        }
        KeysetUsage usage = gateway.get();
        if (!usage.primary().equals(keyset.primary())) {
            throw new IllegalStateException("the gateway encrypts with the key " + usage.primary() + ", not with "
                    + keyset.primary() + " of this file");
        }
        Set<KeyId> unused = usage.unused(keyset);
        keyset.old().stream()
                .filter(key -> !unused.contains(key))
                .forEach(key ->
                        out.println("The key " + key + " stays: it encrypts " + usage.count(key) + " credentials."));
        if (unused.isEmpty()) {
            throw new IllegalStateException(
                    "every key is used; the gateways encrypt the credentials of old keys again");
        }
        Path backup = file.replace(keyset.without(unused));
        out.println("Removed " + unused + ". The keyset before: " + backup
                + ". Backups of the database from before the rotation need it.");
    }

    private static KeysetUsage usage(Target target) {
        try (PostbusApi api = Admin.connect(target)) {
            PostbusApi.Answer answer = api.get("admin/keyset");
            if (answer.status() != 200) {
                throw new IllegalStateException("the gateway refused: " + answer.status() + " "
                        + answer.body().path("detail").asText());
            }
            return KeysetUsage.of(answer.body());
        } catch (UncheckedIOException e) {
            throw new IllegalStateException("the gateway can not be reached: " + e.getMessage(), e);
        }
    }
}
