package org.postbus.devstack.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.devstack.admin.AdminCommand.Invocation;
import org.postbus.devstack.admin.AdminCommand.Target;

class AdminCommandTest {
    private static final Path DATA = Path.of("/data");

    @Test
    void every_command_is_parsed() {
        assertThat(command("tenant create acme")).isEqualTo(new AdminCommand.CreateTenant("acme"));
        assertThat(command("tenant list")).isEqualTo(new AdminCommand.ListTenants());
        assertThat(command("tenant suspend acme --reason unpaid"))
                .isEqualTo(new AdminCommand.SuspendTenant("acme", Optional.of("unpaid")));
        assertThat(command("tenant resume acme")).isEqualTo(new AdminCommand.ResumeTenant("acme"));
        assertThat(command("tenant export acme /tmp/x"))
                .isEqualTo(new AdminCommand.ExportTenant("acme", Path.of("/tmp/x")));
        assertThat(command("tenant delete acme --yes")).isEqualTo(new AdminCommand.DeleteTenant("acme"));
        assertThat(command("key create acme --name n --scopes read,send --addresses 192.0.2.0/24"
                        + " --expires 2030-01-31T12:00:00Z --out k"))
                .isEqualTo(new AdminCommand.CreateKey(
                        "acme",
                        "n",
                        List.of("read", "send"),
                        List.of("192.0.2.0/24"),
                        Optional.of("2030-01-31T12:00:00Z"),
                        Optional.of(Path.of("k"))));
        assertThat(command("key list acme")).isEqualTo(new AdminCommand.ListKeys("acme"));
        assertThat(command("key rotate acme k1 --grace 90m"))
                .isEqualTo(new AdminCommand.RotateKey(
                        "acme", "k1", Optional.of(Duration.ofMinutes(90)), Optional.empty()));
        assertThat(command("key revoke acme k1")).isEqualTo(new AdminCommand.RevokeKey("acme", "k1"));
    }

    @Test
    void the_gateway_is_that_of_up_or_a_named_one() {
        assertThat(parse("tenant list").target())
                .isEqualTo(new Target(Path.of("/data/run.json"), Optional.empty(), Optional.empty()));
        assertThat(parse("tenant list --data /other --json"))
                .isEqualTo(new Invocation(
                        new AdminCommand.ListTenants(),
                        new Target(Path.of("/other/run.json"), Optional.empty(), Optional.empty()),
                        true));
        assertThat(parse("tenant list --api http://h:1 --key-file f").target())
                .isEqualTo(new Target(Path.of("/data/run.json"), Optional.of("http://h:1"), Optional.of(Path.of("f"))));
    }

    @ParameterizedTest
    @CsvSource({
        "tenant,                              missing",
        "tenant nonsense,                     no such command",
        "tenant create,                       missing",
        "tenant create a b,                   no such argument",
        "tenant list --name x,                no such option",
        "tenant list --api http://h,          belong together",
        "tenant delete acme,                  add --yes",
        "tenant suspend acme --reason,        needs a value",
        "key create acme --name n,            --scopes is required",
        "key create acme --scopes read,       --name is required",
        "key rotate acme,                     missing",
        "key rotate acme k --grace soon,      --grace must be",
    })
    void anything_else_is_refused_with_a_reason(String arguments, String reason) {
        assertThatThrownBy(() -> parse(arguments))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    private static AdminCommand command(String arguments) {
        return parse(arguments).command();
    }

    private static Invocation parse(String arguments) {
        return AdminCommand.parse(List.of(arguments.split(" ")), DATA);
    }
}
