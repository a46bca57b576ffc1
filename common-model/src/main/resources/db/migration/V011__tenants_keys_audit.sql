set lock_timeout = '2s';

-- Tenants and their keys, the audit log, and the erasure of accounts and tenants.
--
-- Who may do what:
-- The gateway authenticates keys and administers tenants. For one tenant, the one that its transaction names, it reads and writes rows under
-- row-level security. What needs more than one tenant is a function that does one thing and returns no secret. It never reads a key's
-- hash: it can ask whether a hash is known.
-- The writer publishes account.deleted, and knows of a deleted account only what the event says.
-- Outbound deletes old rows of the audit log. Nobody changes a row of it, and only the gateway's function adds rows.
-- The fetcher gets nothing here.

-- owner: api-gateway.
alter table tenant
  add column status text not null default 'active' check (status in ('active', 'suspended', 'deleting')),
  add column reason text check (length(reason) <= 500);  -- of a suspension, shown to the tenant
revoke all on tenant from postbus_gateway;
grant select on tenant to postbus_gateway;
grant update (name, status, reason) on tenant to postbus_gateway;

-- A key without a tenant is an operator's: it may administer every tenant and reads no mail. Row-level security shows it to nobody.
alter table api_key
  alter column tenant_id drop not null,
  add column key_id uuid not null default uuidv7() unique,
  add column scopes text[] not null default '{read,mutate,send,accounts}'
    check (scopes <@ '{read,mutate,send,accounts,admin}' and cardinality(scopes) > 0),
  add column networks cidr[] not null default '{}' check (cardinality(networks) <= 32),  -- empty: any address
  add column created_by text not null default 'set-up',
  add column expires_at timestamptz,
  add column last_used_at timestamptz,  -- within two minutes
  add constraint api_key_operator_check check (tenant_id is not null or scopes = '{admin}');
create index api_key_tenant on api_key (tenant_id, key_id);
revoke all on api_key from postbus_gateway;
grant select (key_id, tenant_id, name, scopes, networks, created_by, created_at, expires_at, last_used_at, revoked_at),
  insert (key_id, tenant_id, key_hash, name, scopes, networks, created_by, expires_at),
  update (expires_at, revoked_at), delete on api_key to postbus_gateway;

-- What a request may do that carries the key with this hash. No row: the key is unknown.
create function authenticate(hash bytea)
  returns table (key_id uuid, tenant_id uuid, scopes text[], networks text[], expires_at timestamptz, revoked boolean, status text, reason text)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select k.key_id, k.tenant_id, k.scopes, k.networks::text[], k.expires_at, k.revoked_at is not null,
         coalesce(t.status, 'active'), t.reason
  from api_key k
  left join tenant t on t.tenant_id = k.tenant_id
  where k.key_hash = hash;
$$;
revoke execute on function authenticate(bytea) from public;
grant execute on function authenticate(bytea) to postbus_gateway;

-- Which of these keys may still be used, of those whose requests last long.
create function usable_keys(keys uuid[]) returns table (key_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select k.key_id from api_key k
  left join tenant t on t.tenant_id = k.tenant_id
  where k.key_id = any (keys) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    and coalesce(t.status, 'active') = 'active';
$$;
revoke execute on function usable_keys(uuid[]) from public;
grant execute on function usable_keys(uuid[]) to postbus_gateway;

-- The same for tenants, for requests that carry no key but a token.
create function usable_tenants(tenants uuid[]) returns table (tenant_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.tenant_id from tenant t where t.tenant_id = any (tenants) and t.status = 'active';
$$;
revoke execute on function usable_tenants(uuid[]) from public;
grant execute on function usable_tenants(uuid[]) to postbus_gateway;

create function keys_used(keys uuid[]) returns void
  language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
  update api_key k set last_used_at = now()
  where k.key_id = any (keys) and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
$$;
revoke execute on function keys_used(uuid[]) from public;
grant execute on function keys_used(uuid[]) to postbus_gateway;

-- The operator's key from the gateway's file. It replaces the key that the file held before. Returns whether anything changed.
create function register_operator_key(hash bytea) returns boolean
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  changed int;
  revoked int;
begin
  insert into api_key as k (key_hash, tenant_id, name, scopes, created_by)
  values (hash, null, 'operator key file', '{admin}', 'operator-key-file')
  on conflict (key_hash) do update set revoked_at = null
  where k.revoked_at is not null and k.created_by = 'operator-key-file';
  get diagnostics changed = row_count;
  update api_key k set revoked_at = now()
  where k.created_by = 'operator-key-file' and k.tenant_id is null and k.key_hash <> hash and k.revoked_at is null;
  get diagnostics revoked = row_count;
  return changed + revoked > 0;
end
$$;
revoke execute on function register_operator_key(bytea) from public;
grant execute on function register_operator_key(bytea) to postbus_gateway;

-- Returns the tenant with this name, and whether it is a new one.
create function create_tenant(wanted text) returns table (tenant uuid, created boolean)
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('tenant/' || wanted, 0));
  select t.tenant_id, false into tenant, created from tenant t where t.name = wanted order by t.tenant_id limit 1;
  if tenant is null then
    insert into tenant as t (name) values (wanted) returning t.tenant_id, true into tenant, created;
  end if;
  return next;
end
$$;
revoke execute on function create_tenant(text) from public;
grant execute on function create_tenant(text) to postbus_gateway;
create index tenant_name on tenant (name);

create function tenants(after uuid, named text, most int)
  returns table (tenant_id uuid, name text, status text, reason text, created_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.tenant_id, t.name, t.status, t.reason, t.created_at from tenant t
  where t.tenant_id > after and (named is null or t.name = named)
  order by t.tenant_id limit most;
$$;
revoke execute on function tenants(uuid, text, int) from public;
grant execute on function tenants(uuid, text, int) to postbus_gateway;

-- While a tenant is suspended or being deleted, its accounts are paused: fetchers and outbound need no other rule. This is the status that
-- an account gets back; null: the account is not held.
alter table account add column status_before_suspension text check (status_before_suspension in ('active', 'paused'));

-- owner: api-gateway. tenant_id is null for what concerns no tenant: operators' calls and logins with unknown keys. It has no foreign key: the
-- entries of a deleted tenant stay until retention deletes them.
create table audit_log (
  entry_id   uuid primary key default uuidv7(),
  tenant_id  uuid,
  at         timestamptz not null default now(),
  actor      text not null check (length(actor) <= 300),       -- key:ID, subject:NAME, nobody, postbus
  address    text check (length(address) <= 64),
  request_id text check (length(request_id) <= 128),
  action     text not null check (length(action) <= 200),
  object     text check (length(object) <= 300),
  outcome    text not null check (outcome in ('done', 'refused', 'failed')),
  status     int                                               -- of the HTTP answer
);
create index audit_log_tenant on audit_log (tenant_id, entry_id);
create index audit_log_at on audit_log (at);
alter table audit_log enable row level security;
create policy tenant on audit_log for select using (tenant_id = current_tenant());
grant select on audit_log to postbus_gateway;

-- entries: a JSON array of objects with the names of the columns.
create function append_audit(entries jsonb) returns void
  language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
  insert into audit_log (tenant_id, at, actor, address, request_id, action, object, outcome, status)
  select e.tenant_id, coalesce(e.at, now()), e.actor, e.address, e.request_id, e.action, e.object, e.outcome, e.status
  from jsonb_to_recordset(entries) as e (
    tenant_id uuid, at timestamptz, actor text, address text, request_id text, action text, object text, outcome text, status int);
$$;
revoke execute on function append_audit(jsonb) from public;
grant execute on function append_audit(jsonb) to postbus_gateway;

-- For operators: all tenants' entries, newest first. wanted: null for all.
create function audit_of_all(before uuid, wanted uuid, most int) returns setof audit_log
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select * from audit_log a
  where a.entry_id < before and (wanted is null or a.tenant_id = wanted)
  order by a.entry_id desc limit most;
$$;
revoke execute on function audit_of_all(uuid, uuid, int) from public;
grant execute on function audit_of_all(uuid, uuid, int) to postbus_gateway;

create function delete_old_audit(before timestamptz, most int) returns int
  language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
  with gone as (
    delete from audit_log where ctid = any (array(
      select ctid from audit_log where at < before order by at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;
revoke execute on function delete_old_audit(timestamptz, int) from public;
grant execute on function delete_old_audit(timestamptz, int) to postbus_outbound;

-- Erasure. The row of an account goes first, in a short transaction: from then on nothing of the account can be read or written. Its many
-- rows without a foreign key (V008) are deleted afterwards in chunks, because an account may have millions. This row
-- is what is left of the account meanwhile: it holds no mail data, and goes when account.deleted is published and the rows are deleted.
-- owner: the trigger below inserts, api-gateway erases, writer-service publishes.
create table account_erasure (
  account_id uuid primary key,
  tenant_id  uuid not null,
  seq        bigint not null,           -- of account.deleted, the account's last change
  event_id   uuid not null default uuidv7(),
  at         timestamptz not null default now(),
  published  boolean not null default false,
  erased     boolean not null default false
);
create index account_erasure_tenant on account_erasure (tenant_id);
alter table account_erasure enable row level security;
create policy tenant on account_erasure using (tenant_id = current_tenant());

-- The lock waits for a transaction of the writer that is applying a batch: a row that it writes is there before the erasure begins, and none can
-- be written later.
create function begin_account_erasure() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  last bigint;
begin
  select s.change_seq into last from account_sync s where s.account_id = old.account_id for update;
  insert into account_erasure (account_id, tenant_id, seq) values (old.account_id, old.tenant_id, coalesce(last, 0) + 1);
  return old;
end
$$;
revoke execute on function begin_account_erasure() from public;
drop trigger rows_of_accounts on account;
drop function delete_rows_of_accounts();
create trigger account_erasure before delete on account for each row execute function begin_account_erasure();

-- Records that could not be applied hold mail data too.
create index quarantine_account on quarantine (account_id) where account_id is not null;

create function accounts_to_erase(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select e.tenant_id, e.account_id from account_erasure e where not e.erased order by e.account_id limit most;
$$;
revoke execute on function accounts_to_erase(int) from public;
grant execute on function accounts_to_erase(int) to postbus_gateway;

-- Deletes up to most rows of each kind of a deleted account. Returns whether there may be more. The row of account_erasure is locked: two
-- gateways do not work on one account at the same time, the second one is told that there is nothing to do.
create function erase_account_rows(account uuid, most int) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off
as $$
declare
  chunk int;
  more boolean := false;
begin
  perform from account_erasure e
  where e.account_id = account and e.tenant_id = current_tenant() and not e.erased for update skip locked;
  if not found then
    return false;
  end if;
  delete from email where ctid = any (array(
    select r.ctid from email r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from thread_reference where ctid = any (array(
    select r.ctid from thread_reference r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from change_log where ctid = any (array(
    select r.ctid from change_log r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from quarantine where ctid = any (array(
    select r.ctid from quarantine r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  if not more then
    delete from account_erasure e where e.account_id = account and e.published;
    update account_erasure e set erased = true where e.account_id = account;
  end if;
  return more;
end
$$;
revoke execute on function erase_account_rows(uuid, int) from public;
grant execute on function erase_account_rows(uuid, int) to postbus_gateway;

create function unpublished_deletions(most int)
  returns table (tenant_id uuid, account_id uuid, seq bigint, event_id uuid, at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select e.tenant_id, e.account_id, e.seq, e.event_id, e.at from account_erasure e
  where not e.published order by e.account_id limit most;
$$;
revoke execute on function unpublished_deletions(int) from public;
grant execute on function unpublished_deletions(int) to postbus_writer;

create function deletion_published(account uuid) returns void
  language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
  delete from account_erasure e where e.account_id = account and e.erased;
  update account_erasure e set published = true where e.account_id = account;
$$;
revoke execute on function deletion_published(uuid) from public;
grant execute on function deletion_published(uuid) to postbus_writer;

create function tenants_to_erase() returns table (tenant_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.tenant_id from tenant t where t.status = 'deleting' order by t.tenant_id limit 100;
$$;
revoke execute on function tenants_to_erase() from public;
grant execute on function tenants_to_erase() to postbus_gateway;

-- Deletes a tenant that has no accounts any more, and what belongs to it as a whole. Returns false while an account, or the announcement of its
-- deletion, is left.
create function finish_tenant_erasure(tenant uuid) returns boolean
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform from tenant t where t.tenant_id = tenant and t.status = 'deleting' for update;
  if not found
    or exists (select from account a where a.tenant_id = tenant)
    or exists (select from account_tombstone a where a.tenant_id = tenant)
    or exists (select from account_erasure e where e.tenant_id = tenant) then
    return false;
  end if;
  delete from idempotency_key k where k.tenant_id = tenant;
  delete from webhook w where w.tenant_id = tenant;
  delete from quarantine q where q.tenant_id = tenant;
  delete from api_key k where k.tenant_id = tenant;
  delete from tenant t where t.tenant_id = tenant;
  return true;
end
$$;
revoke execute on function finish_tenant_erasure(uuid) from public;
grant execute on function finish_tenant_erasure(uuid) to postbus_gateway;

-- The functions above run as postbus_owner, under row-level security (V010). Those that do not name a tenant need these rights past it.
create policy lookup on tenant for select to postbus_owner using (true);  -- authenticate, usable_*, tenants, create_tenant, tenants_to_erase
create policy creation on tenant for insert to postbus_owner with check (status = 'active');  -- create_tenant
create policy uses on api_key for update to postbus_owner using (true);  -- keys_used, register_operator_key
create policy operator_keys on api_key for insert to postbus_owner with check (tenant_id is null);  -- register_operator_key
create policy append on audit_log for insert to postbus_owner with check (true);  -- append_audit
create policy lookup on audit_log for select to postbus_owner using (true);  -- audit_of_all, delete_old_audit
create policy retention on audit_log for delete to postbus_owner using (true);  -- delete_old_audit
-- FOR UPDATE needs the right to update. No row passes the check, so nothing can be changed.
create policy retention_lock on audit_log for update to postbus_owner using (true) with check (false);
create policy lookup on account_erasure for select to postbus_owner using (true);  -- accounts_to_erase, unpublished_deletions
