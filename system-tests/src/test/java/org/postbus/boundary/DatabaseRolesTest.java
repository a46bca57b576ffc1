package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postbus.boundary.TwoTenants.Rows;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Role;

/** What somebody can do who executes SQL with the login of one service. */
class DatabaseRolesTest {
    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final String NO_TENANT = "";

    /** More rights, other objects, the server's files and programs. */
    private static final List<String> REFUSED = List.of(
            "alter role current_user superuser",
            "alter role current_user createrole",
            "alter role current_user bypassrls",
            "alter role postgres password 'x'",
            "alter role postbus_owner login",
            "alter role postbus_owner in database postbus set search_path = evil",
            "create role evil",
            "create database evil",
            "set role postbus_owner",
            "set role postbus_admin",
            "set role postgres",
            "set role pg_execute_server_program",
            "set session authorization postgres",
            "grant postbus_owner to current_user",
            "grant pg_read_server_files to current_user",
            "create table public.evil (a int)",
            "create temporary table account (a int)",
            "create temporary view account as select 1",
            "create function public.evil() returns int language sql return 1",
            "create function pg_temp.sha256(bytea) returns bytea language sql return $1",
            "create operator public.= (leftarg = uuid, rightarg = uuid, function = uuid_eq)",
            "create or replace function current_tenant() returns uuid language sql return null::uuid",
            "create schema evil",
            "create view public.evil as select 1",
            "create type public.evil as (a int)",
            "create trigger evil before insert on account execute function delete_children_of_emails()",
            "create rule evil as on insert to account do instead nothing",
            "create policy evil on account using (true)",
            "create index evil on account (email)",
            "create language evil handler plpgsql_call_handler",
            "create publication evil for all tables",
            "create event trigger evil on ddl_command_start execute function delete_children_of_emails()",
            "create foreign data wrapper evil",
            "alter table account disable row level security",
            "alter table account no force row level security",
            "alter table account owner to current_user",
            "alter table account add column evil int",
            "alter function tenant_of_account(uuid) reset search_path",
            "alter schema public owner to current_user",
            "alter default privileges for role postbus_owner grant all on tables to current_user",
            "drop policy tenant on account",
            "drop table account",
            "drop function current_tenant()",
            "truncate account",
            "comment on table account is 'evil'",
            "grant select on flyway_schema_history to public",
            "copy (select 1) to program 'true'",
            "copy account from program 'true'",
            "copy (select 1) to '/tmp/postbus-evil'",
            "copy account from '/etc/passwd'",
            "select pg_read_file('/etc/passwd')",
            "select pg_read_binary_file('postgresql.conf')",
            "select pg_ls_dir('.')",
            "select lo_import('/etc/passwd')",
            "select lo_export(1, '/tmp/postbus-evil')",
            "select * from pg_authid",
            "select pg_reload_conf()",
            "select pg_switch_wal()",
            "alter system set fsync = off",
            "load '/tmp/evil.so'",
            "set session_replication_role = replica",
            "do 'begin execute ''create temporary table t (a int)''; end'",
            "select begin_account_erasure()",
            "select delete_children_of_emails()",
            "select * from flyway_schema_history",
            "delete from flyway_schema_history");

    /** Tables that the service has no business with. */
    private static final Map<Role, List<String>> FOREIGN_TABLES = Map.of(
            Role.FETCHER,
            List.of(
                    "api_key",
                    "tenant",
                    "pending_changes",
                    "submission",
                    "outbound_hold",
                    "change_log",
                    "change_outbox",
                    "email_body",
                    "attachment",
                    "idempotency_key",
                    "webhook",
                    "sync_log",
                    "quarantine",
                    "account_tombstone"),
            Role.WRITER,
            List.of(
                    "credential",
                    "api_key",
                    "tenant",
                    "account",
                    "submission",
                    "outbound_hold",
                    "idempotency_key",
                    "webhook",
                    "webhook_delivery",
                    "account_tombstone",
                    "quarantine"),
            Role.OUTBOUND,
            List.of(
                    "api_key",
                    "tenant",
                    "change_log",
                    "change_outbox",
                    "email_body",
                    "sync_state",
                    "idempotency_key",
                    "webhook",
                    "account_sync",
                    "quarantine",
                    "account_tombstone"),
            Role.GATEWAY,
            List.of(
                    "webhook",
                    "webhook_delivery",
                    "sync_state",
                    "quarantine",
                    "change_outbox",
                    "thread_reference",
                    "sync_pass"));

    private static TwoTenants tenants;

    @BeforeAll
    static void fill() throws SQLException {
        tenants = TwoTenants.in(DevStack.postgres().freshDatabase());
    }

    @ParameterizedTest
    @EnumSource
    void can_get_no_more_rights_and_change_no_object(Role role) throws SQLException {
        List<String> succeeded = new ArrayList<>();
        for (String sql : REFUSED) {
            String outcome = attempt(role, NO_TENANT, sql);
            if (!outcome.equals(INSUFFICIENT_PRIVILEGE)) {
                succeeded.add(sql + ": " + outcome);
            }
        }
        assertThat(succeeded).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void cannot_change_or_become_another_service(Role role) throws SQLException {
        for (Role other : Role.values()) {
            if (other != role) {
                assertThat(attempt(role, NO_TENANT, "set role " + other.user())).isEqualTo(INSUFFICIENT_PRIVILEGE);
                assertThat(attempt(role, NO_TENANT, "alter role " + other.user() + " password 'x'"))
                        .isEqualTo(INSUFFICIENT_PRIVILEGE);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void cannot_read_the_tables_of_other_services(Role role) throws SQLException {
        for (String table : FOREIGN_TABLES.get(role)) {
            assertThat(attempt(role, tenants.ours().tenant().toString(), "select 1 from " + table))
                    .as("%s reads %s", role, table)
                    .isEqualTo(INSUFFICIENT_PRIVILEGE);
        }
    }

    @ParameterizedTest
    @EnumSource
    void sees_no_row_without_a_tenant_and_no_row_of_another_one(Role role) throws SQLException {
        List<String> readable = readableTables(role);
        assertThat(readable).isNotEmpty();
        int ours = 0;
        for (String table : readable) {
            assertThat(count(role, NO_TENANT, "select count(*) from " + table))
                    .as("%s reads %s without a tenant", role, table)
                    .isZero();
            assertThat(count(
                            role,
                            tenants.ours().tenant().toString(),
                            "select count(*) from " + table + " where tenant_id <> '"
                                    + tenants.ours().tenant() + "'"))
                    .as("%s reads %s", role, table)
                    .isZero();
            ours += count(role, tenants.ours().tenant().toString(), "select count(*) from " + table) > 0 ? 1 : 0;
        }
        // Otherwise the test would pass on empty tables.
        assertThat(ours).isGreaterThan(readable.size() / 2);
    }

    @ParameterizedTest
    @EnumSource
    void cannot_turn_row_level_security_off(Role role) throws SQLException {
        String table = readableTables(role).getFirst();
        try (Connection connection = tenants.database().connect(role);
                Statement statement = connection.createStatement()) {
            statement.execute("set row_security = off");
            assertThat(stateOf(statement, "select * from " + table)).isEqualTo(INSUFFICIENT_PRIVILEGE);
        }
    }

    /** The functions run past row-level security, so they have to check the tenant by themselves. */
    @Test
    void a_function_with_the_account_of_another_tenant_does_nothing() throws SQLException {
        Rows theirs = tenants.theirs();
        String ours = tenants.ours().tenant().toString();
        String before = rowsOf(theirs);
        for (Role role : List.of(Role.OUTBOUND, Role.GATEWAY)) {
            try (Connection connection = tenants.database().connect(role);
                    Statement statement = connection.createStatement();
                    Connection observer = tenants.database().connectAsAdmin()) {
                connection.setAutoCommit(false);
                statement.execute("select set_config('app.tenant', '" + ours + "', true)");
                statement.execute("select lock_account_sync('" + theirs.account() + "')");
                assertThat(single(
                                observer,
                                "select count(*) from (select from account_sync where account_id = ? for update skip locked) free",
                                theirs.account()))
                        .as("the row of another tenant is not locked")
                        .isEqualTo("1");
                assertThat(stateOf(
                                statement,
                                "select append_changes('" + theirs.account()
                                        + "', array['email.created'], array[uuidv7()], array['{}'])"))
                        .isEqualTo("P0001");
                connection.rollback();
            }
        }
        assertThat(attempt(
                        Role.GATEWAY,
                        ours,
                        "select keep_email_body('" + theirs.account() + "', '" + theirs.email()
                                + "', '{\"evil\": 1}')"))
                .isEqualTo("done");
        assertThat(rowsOf(theirs)).isEqualTo(before);
    }

    @Test
    void a_session_does_not_see_the_statements_of_another_service() throws SQLException {
        try (Connection victim = tenants.database().connect(Role.GATEWAY);
                Statement secret = victim.createStatement();
                Connection attacker = tenants.database().connect(Role.WRITER)) {
            secret.execute("select 'confidential'");
            int pid = Integer.parseInt(single(victim, "select pg_backend_pid()"));
            assertThat(single(attacker, "select query from pg_stat_activity where pid = " + pid))
                    .isEqualTo("<insufficient privilege>");
            try (Statement statement = attacker.createStatement()) {
                assertThat(stateOf(statement, "select pg_terminate_backend(" + pid + ")"))
                        .isEqualTo(INSUFFICIENT_PRIVILEGE);
                assertThat(stateOf(statement, "select pg_cancel_backend(" + pid + ")"))
                        .isEqualTo(INSUFFICIENT_PRIVILEGE);
            }
        }
    }

    @Test
    void a_large_object_of_a_service_is_not_readable_by_another_one() throws SQLException {
        try (Connection writer = tenants.database().connect(Role.WRITER);
                Connection gateway = tenants.database().connect(Role.GATEWAY);
                Statement statement = gateway.createStatement()) {
            String object = single(writer, "select lo_from_bytea(0, 'mail')");
            assertThat(stateOf(statement, "select lo_get(" + object + ")")).isEqualTo(INSUFFICIENT_PRIVILEGE);
            assertThat(stateOf(statement, "select lo_unlink(" + object + ")")).isEqualTo(INSUFFICIENT_PRIVILEGE);
            single(writer, "select lo_unlink(" + object + ")");
        }
    }

    private static List<String> readableTables(Role role) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (Connection connection = tenants.database().connect(role);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select relname from pg_class
                        where relnamespace = 'public'::regnamespace and relkind = 'r' and has_table_privilege(oid, 'select')
                        order by relname""")) {
            while (rows.next()) {
                tables.add(rows.getString(1));
            }
        }
        return tables;
    }

    /** The SQLSTATE of the failure, or "done". Nothing is kept. */
    private static String attempt(Role role, String tenant, String sql) throws SQLException {
        try (Connection connection = tenants.database().connect(role);
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(sql.startsWith("create database") || sql.startsWith("alter system"));
            statement.execute("select set_config('app.tenant', '" + tenant + "', true)");
            String state = stateOf(statement, sql);
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
            return state;
        }
    }

    private static String stateOf(Statement statement, String sql) {
        try {
            statement.execute(sql);
            return "done";
        } catch (SQLException e) {
            return Optional.ofNullable(e.getSQLState()).orElse(e.toString());
        }
    }

    private static long count(Role role, String tenant, String sql) throws SQLException {
        try (Connection connection = tenants.database().connect(role)) {
            connection.setAutoCommit(false);
            single(connection, "select set_config('app.tenant', '" + tenant + "', true)");
            long count = Long.parseLong(single(connection, sql));
            connection.rollback();
            return count;
        }
    }

    private static String rowsOf(Rows rows) throws SQLException {
        try (Connection connection = tenants.database().connectAsAdmin()) {
            return single(connection, "select body::text from email_body where account_id = ?", rows.account())
                    + single(connection, "select max(seq) from change_log where account_id = ?", rows.account())
                    + single(connection, "select max(last_seq) from change_outbox where account_id = ?", rows.account())
                    + single(connection, "select change_seq from account_sync where account_id = ?", rows.account());
        }
    }

    private static String single(Connection connection, String sql, UUID... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
