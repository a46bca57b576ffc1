package org.postbus.devstack.launcher;

import java.nio.file.Path;
import java.util.List;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Secrets;

/** {@code ./postbus demo}: starts everything, runs the {@link DemoScenario} and keeps running until Ctrl-C. */
final class Demo {
    private Demo() {}

    /**
     * @param once return after the scenario
     * @return whether every check passed; unless {@code once}, returns only when the mail server has ended or the start failed
     */
    static boolean run(Path directory, boolean once) throws InterruptedException {
        Secrets secrets = new Secrets();
        James.User alice = new James.User("alice@" + James.DOMAIN, secrets.fresh());
        James.User bob = new James.User("bob@" + James.DOMAIN, secrets.fresh());
        LocalPostbus postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.temporary(directory, List.of(alice, bob)), System.out::println);
        Main.closeAtExit(postbus);
        System.out.println("Starting (logs: " + directory.resolve("logs") + ")");
        try {
            postbus.start();
        } catch (RuntimeException e) {
            System.err.println("postbus: " + e.getMessage());
            return false;
        }
        try (PostbusApi api = new PostbusApi(postbus.api(), postbus.apiKey().text())) {
            DemoScenario scenario = new DemoScenario(postbus, api);
            try {
                scenario.run(alice, bob);
            } catch (RuntimeException e) {
                scenario.fail(e);
            }
            int failed = scenario.failures().size();
            System.out.println(failed == 0 ? "\nAll checks passed." : "\n" + failed + " checks FAILED.");
            if (once) {
                return failed == 0;
            }
        }
        System.out.println(addresses(postbus, directory));
        System.err.println("postbus: " + postbus.supervise() + "\npostbus: stopping the rest");
        return false;
    }

    private static String addresses(LocalPostbus postbus, Path directory) {
        Path runFile = directory.resolve("run.json");
        return """

                Postbus keeps running; Ctrl-C stops it.
                  API    %s   (OpenAPI: %s/openapi)
                  Kafka  %s   topic postbus.changes
                  Mail   IMAP %s:%d, SMTP %s:%d, JMAP %s
                  keys, passwords, pids: %s

                Try:
                %s""".formatted(
                        postbus.api(),
                        postbus.api(),
                        postbus.kafka().bootstrap(),
                        James.HOST,
                        postbus.james().ports().imap(),
                        James.HOST,
                        postbus.james().ports().smtp(),
                        postbus.james().sessionUrl(),
                        runFile,
                        curlLines(runFile));
    }

    /** The README shows the same commands. */
    private static String curlLines(Path runFile) {
        return """
                  API=$(sed -n 's/.*"api" : "\\(.*\\)".*/\\1/p' %1$s)/v1
                  AUTH="Authorization: Bearer $(sed -n 's/.*"apiKey" : "\\(.*\\)".*/\\1/p' %1$s)"
                  curl -H "$AUTH" $API/accounts
                  ACCOUNT=$(curl -s -H "$AUTH" $API/accounts | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
                  curl -H "$AUTH" $API/accounts/$ACCOUNT/mailboxes
                  curl -H "$AUTH" "$API/accounts/$ACCOUNT/emails?limit=3"
                  curl -H "$AUTH" -H 'Content-Type: application/json' $API/accounts/$ACCOUNT/submissions \\
                    -d '{"to":[{"email":"bob@example.com"}],"subject":"Hello","text":"Hi Bob"}'
                  curl -N -H "$AUTH" $API/events""".formatted(runFile);
    }
}
