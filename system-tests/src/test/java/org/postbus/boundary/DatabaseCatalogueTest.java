package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;

/** Rules that hold for every object of the schema, whichever migration created it. Each query returns the objects that break its rule. */
class DatabaseCatalogueTest {
    private static final String OWNERS = """
            select 'relation ' || c.oid::regclass || ' of ' || c.relowner::regrole from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relowner <> 'postbus_owner'::regrole
            union all
            select 'routine ' || p.oid::regprocedure || ' of ' || p.proowner::regrole from pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.proowner <> 'postbus_owner'::regrole
            union all
            select 'type ' || t.oid::regtype || ' of ' || t.typowner::regrole from pg_type t
            where t.typnamespace = 'public'::regnamespace and t.typowner <> 'postbus_owner'::regrole
            union all
            select 'role ' || rolname from pg_roles
            where rolname like 'postbus\\_%' and (rolsuper or rolbypassrls or rolreplication or rolcreatedb)
            union all
            select 'login ' || rolname from pg_roles where rolname = 'postbus_owner' and (rolcanlogin or rolcreaterole)
            union all
            select 'membership of ' || member::regrole || ' in ' || roleid::regrole from pg_auth_members
            where member::regrole::text in ('postbus_fetcher', 'postbus_writer', 'postbus_outbound', 'postbus_gateway', 'postbus_owner')""";

    private static final String RIGHTS_OF_PUBLIC = """
            select 'relation ' || c.oid::regclass || ' ' || a.privilege_type from pg_class c, aclexplode(c.relacl) a
            where c.relnamespace = 'public'::regnamespace and a.grantee = 0
            union all
            select 'column ' || t.attrelid::regclass || '.' || t.attname from pg_attribute t, aclexplode(t.attacl) a
            where a.grantee = 0 and t.attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
            union all
            select 'routine ' || p.oid::regprocedure from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where p.pronamespace = 'public'::regnamespace and a.grantee = 0
            union all
            select 'schema ' || a.privilege_type from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
            where n.nspname = 'public' and a.grantee = 0
            union all
            select 'database ' || a.privilege_type from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            where d.datname = current_database() and a.grantee = 0""";

    private static final String UNPROTECTED_TABLES = """
            select c.relname from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'flyway_schema_history'
              and not (c.relrowsecurity and c.relforcerowsecurity
                       and exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname))
            union all
            select c.oid::regclass || ' without security_invoker' from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
              and not coalesce(c.reloptions, '{}') && array['security_invoker=true', 'security_invoker=on']""";

    /** A body in the SQL standard's form is parsed once, when the function is created. */
    private static final String FUNCTIONS_WITH_ANOTHER_SEARCH_PATH = """
            select p.oid::regprocedure::text from pg_proc p
            where p.pronamespace = 'public'::regnamespace
              and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, public, pg_temp']
              and (p.prosecdef or p.prosqlbody is null)""";

    @Test
    void no_object_belongs_to_a_superuser_and_none_is_open_to_public() throws SQLException {
        assertHolds(DevStack.postgres().freshDatabase());
    }

    /** The postgres of dev-stack is migrated by a login without superuser; this one by a superuser, with migrations that break the rules. */
    @Test
    void the_rules_hold_for_later_migrations_too(@TempDir Path directory) throws Exception {
        Files.writeString(directory.resolve("V900__careless.sql"), """
                create table careless (account_id uuid primary key, tenant_id uuid not null, number bigint generated always as identity);
                create type mood as enum ('good', 'bad');
                create view careless_view with (security_invoker = true) as select * from careless;
                create function careless() returns bigint language sql security definer
                  set search_path = pg_catalog, public, pg_temp as 'select count(*) from careless';
                grant select on careless to public;
                grant create on schema public to public""");
        Database database = DevStack.postgres().freshDatabase();
        Flyway.configure()
                .dataSource(
                        database.jdbcUrl(),
                        Database.ADMIN,
                        database.adminPassword().reveal())
                .locations("classpath:db/migration", "filesystem:" + directory)
                .load()
                .migrate();

        assertHolds(database);
        assertThat(query(database, "select 'x' from pg_proc where proname = 'careless'"))
                .hasSize(1);
    }

    /** A statement of a migration must reach the rows of all tenants; without the policy for owners it would silently change none. */
    @Test
    void a_migration_changes_the_rows_of_all_tenants(@TempDir Path directory) throws Exception {
        Database database = DevStack.postgres().freshDatabase();
        TwoTenants.in(database);
        Files.writeString(
                directory.resolve("V901__data.sql"),
                "set local role postbus_owner; update email set preview = 'migrated'; reset role");
        Flyway.configure()
                .dataSource(
                        database.jdbcUrl(),
                        Database.ADMIN,
                        database.adminPassword().reveal())
                .locations("classpath:db/migration", "filesystem:" + directory)
                .load()
                .migrate();

        assertThat(query(database, "select distinct preview from email")).containsExactly("migrated");
    }

    private static void assertHolds(Database database) throws SQLException {
        assertThat(query(database, OWNERS)).as("owners").isEmpty();
        assertThat(query(database, RIGHTS_OF_PUBLIC)).as("rights of PUBLIC").isEmpty();
        assertThat(query(database, UNPROTECTED_TABLES))
                .as("tables without row-level security")
                .isEmpty();
        assertThat(query(database, FUNCTIONS_WITH_ANOTHER_SEARCH_PATH))
                .as("functions with another search_path")
                .isEmpty();
    }

    private static List<String> query(Database database, String sql) throws SQLException {
        List<String> found = new ArrayList<>();
        try (Connection connection = database.connectAsAdmin();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return found;
    }
}
