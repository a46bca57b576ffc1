-- Flyway runs this after each migration, in its transaction, so that the rules of V010 hold for every object, whichever migration has
-- created it and whoever ran it: postbus_owner owns it, PUBLIC has no right to it, row-level security is forced.
do $$
declare
  item record;
begin
  -- Sequences of identity columns follow their table. Partitions and partitioned tables have dependencies of these kinds, too, and do not follow.
  for item in
    select c.oid::regclass as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.relowner <> 'postbus_owner'::regrole and c.relname <> 'flyway_schema_history'
      and not exists (select from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid
                        and (d.deptype = 'e' or c.relkind = 'S' and d.deptype in ('a', 'i')))
  loop
    execute format('alter table %s owner to postbus_owner', item.name);
  end loop;

  for item in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proowner <> 'postbus_owner'::regrole
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute format('alter routine %s owner to postbus_owner', item.name);
  end loop;

  -- Row types and array types follow their table or element.
  for item in
    select t.oid::regtype as name from pg_type t
    where t.typnamespace = 'public'::regnamespace and t.typowner <> 'postbus_owner'::regrole
      and t.typtype in ('c', 'd', 'e', 'r') and t.typelem = 0
      and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
      and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
  loop
    execute format('alter type %s owner to postbus_owner', item.name);
  end loop;

  -- Forced: the policies hold for the owner too, as whom the SECURITY DEFINER functions run. The policy 'owner' is for sessions that
  -- logged in with the owner's rights: migrations and operators. A function that a service calls runs in a session of that service.
  for item in
    select c.oid::regclass as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'flyway_schema_history'
      and not (c.relrowsecurity and c.relforcerowsecurity
               and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'owner'))
  loop
    execute format('alter table %s enable row level security, force row level security', item.name);
    execute format('drop policy if exists owner on %s', item.name);
    execute format('create policy owner on %s to postbus_owner using ((select pg_has_role(session_user, %L, %L)))',
                   item.name, 'postbus_owner', 'usage');
  end loop;

  revoke all on all tables in schema public from public;
  revoke all on all sequences in schema public from public;
  revoke all on all routines in schema public from public;
  revoke all on schema public from public;
  -- Without TEMP no service can create a table or function that others might take for one of ours.
  if has_database_privilege('public', current_database(), 'temporary')
     or has_database_privilege('public', current_database(), 'connect') then
    execute format('revoke all on database %I from public', current_database());
  end if;
  for item in
    select r.rolname as name from pg_roles r
    where r.rolname in ('postbus_fetcher', 'postbus_writer', 'postbus_outbound', 'postbus_gateway')
      and not has_database_privilege(r.oid, current_database(), 'connect')
  loop
    execute format('grant connect on database %I to %I', current_database(), item.name);
  end loop;
end
$$;
