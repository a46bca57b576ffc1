package org.postbus.bench.tenants;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.postbus.account.Secret;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;
import org.postbus.topic.Topics;

/**
 * Measures what a tenant notices of a hostile one: the time of its requests and of the arrival of its mail before, during and after the attack.
 * Both tenants have the default quotas. The accounts that the hostile tenant added stay after the attack.
 */
public final class TenantsBench implements Runnable {
    private static final long SEED = 2026;
    private static final int SERVERS = 20;
    private static final int MESSAGES_BEFORE = 500;
    private static final Duration WARM_UP = Duration.ofSeconds(20);
    private static final Duration SYNC_LIMIT = Duration.ofMinutes(5);

    private final TenantsOptions options;
    private final PrintStream out;

    public TenantsBench(TenantsOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        // Without the quotas of the other benchmarks.
        try (Stage stage = Stage.start(List.of(), settings -> settings.environment(Map.of()), out);
                MailServer.OfDovecot server = MailServer.OfDovecot.start(stage.log("dovecot"));
                RawImap sender = server.logIn();
                MarkedRecords changes =
                        new MarkedRecords(stage.postbus().kafka().connectionOfAdmin(), Topics.CHANGES);
                HostileServers hostile = HostileServers.start(SERVERS)) {
            fill(server, sender);
            AccountId account = server.add(stage.api(), Protocol.IMAP);
            stage.awaitIdle(account, SYNC_LIMIT);
            Victim victim = new Victim(stage.api(), account, sender, changes);
            victim.live(WARM_UP);

            Victim.Noticed before = victim.live(options.phase());
            out.println("  measured before the attack");
            Attack attack =
                    new Attack(stage.postbus().api(), hostileKey(stage), hostile.addresses(), options.accounts());
            Victim.Noticed during;
            try (attack) {
                attack.start();
                during = victim.live(options.phase());
            }
            out.println("  measured during the attack");
            Victim.Noticed after = victim.live(options.phase());

            TenantsTable table = new TenantsTable(out);
            table.print(before, during, after);
            table.printAttack(attack, hostile.connections());
        }
    }

    private static void fill(MailServer server, RawImap sender) {
        MailCorpus corpus = new MailCorpus(SEED, server.user(), Instant.parse("2020-01-01T00:00:00Z"));
        for (int i = 0; i < MESSAGES_BEFORE; i++) {
            MailCorpus.Mail mail = corpus.next();
            sender.append("INBOX", mail.flags(), mail.date(), mail.raw());
        }
    }

    private static Secret hostileKey(Stage stage) {
        try (PostbusApi operator = new PostbusApi(
                stage.postbus().api(),
                new Secret(Files.readString(stage.directory().resolve("operator-key"))
                        .strip()))) {
            JsonNode tenant =
                    operator.post("admin/tenants", Map.of("name", "hostile")).expect(201);
            JsonNode key = operator.post(
                            "admin/tenants/" + tenant.get("id").asText() + "/keys",
                            Map.of("name", "hostile", "scopes", List.of("read", "mutate", "send", "accounts")))
                    .expect(201);
            return new Secret(key.get("secret").asText());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
