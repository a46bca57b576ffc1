set lock_timeout = '2s';

-- Rotation of the keyset that encrypts credentials. A ciphertext is: one byte that is 1, four bytes with the id of its key, the rest.

-- A rotation finds the rows of old keys without reading the others.
create index credential_key on credential (substring(ciphertext from 2 for 4), account_id);

-- The functions below run as postbus_owner, under row-level security (V010), and see the rows of every tenant.
create policy lookup on credential for select to postbus_owner using (true);

-- The accounts after the given one whose credential is encrypted with one of these keys. The gateway encrypts them again, each in a
-- transaction of its tenant.
create function credentials_of_keys(keys bytea[], after uuid, most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select c.tenant_id, c.account_id from credential c
  where substring(c.ciphertext from 2 for 4) = any (keys) and c.account_id > after
  order by c.account_id
  limit most;
$$;
revoke execute on function credentials_of_keys(bytea[], uuid, int) from public;
grant execute on function credentials_of_keys(bytea[], uuid, int) to postbus_gateway;

-- How many credentials of all tenants each key encrypts. A key that is not listed encrypts none.
create function credentials_by_key() returns table (key bytea, credentials bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select substring(c.ciphertext from 2 for 4), count(*) from credential c group by 1;
$$;
revoke execute on function credentials_by_key() from public;
grant execute on function credentials_by_key() to postbus_gateway;
