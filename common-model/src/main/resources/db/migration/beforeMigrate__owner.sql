-- Flyway runs this before the migrations. It creates the role that owns all of Postbus's objects, and lets the migrations' login hand them
-- over to it (afterEachMigrate__ownership.sql).
--
-- postbus_owner cannot log in and is no superuser. SECURITY DEFINER functions run as their owner: owned by a superuser, each of them would
-- be a way to become one. The migrations' login needs CREATEROLE and must own the database; it need not be a superuser.
do $$
begin
  if to_regrole('postbus_owner') is null then
    create role postbus_owner nologin noinherit;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user)
     and not (pg_has_role(current_user, 'postbus_owner', 'set') and pg_has_role(current_user, 'postbus_owner', 'usage')) then
    execute format('grant postbus_owner to %I with inherit true, set true', current_user);
  end if;
  if not has_schema_privilege('postbus_owner', 'public', 'create') then
    grant usage, create on schema public to postbus_owner;
  end if;
end
$$;

-- Not for PUBLIC, from the moment of its creation: what a later migration creates.
alter default privileges revoke execute on routines from public;
alter default privileges revoke usage on types from public;
