-- The services' database roles, and tenants with what belongs to a tenant as a whole.
--
-- Rules of the whole schema:
-- Every table carries tenant_id and is under row-level security: a transaction sees the rows of the tenant that it names with
-- set_config('app.tenant', ..., true), and no rows if it names none.
-- The primary key of every table with mail or queues starts with account_id, so that the schema can be sharded by account.
-- Functions run with search_path = pg_catalog, public, pg_temp, and nothing is granted to PUBLIC.

do $$
declare
  name text;
begin
  -- A role belongs to the whole server: the migrations of another database may have created it already.
  foreach name in array array['postbus_fetcher', 'postbus_writer', 'postbus_outbound', 'postbus_gateway'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login nosuperuser nobypassrls', name);
    end if;
    execute format('alter role %I set statement_timeout = ''15s''', name);
    execute format('alter role %I set lock_timeout = ''5s''', name);
    execute format('alter role %I set idle_in_transaction_session_timeout = ''15s''', name);
  end loop;
end
$$;

-- The number of a pass (sync_pass) must survive a crash of the server, whatever the server's default is (ADR 10).
alter role postbus_fetcher set synchronous_commit = on;

grant usage on schema public to postbus_fetcher, postbus_writer, postbus_outbound, postbus_gateway;

-- nullif: after one set_config(..., true) the setting is '' in later transactions of the session, and '' is not a uuid.
-- No search_path here: the body is parsed once, when the function is created, and a function with a setting of its own cannot be inlined
-- into the policies that call it for each row.
create function current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '')::uuid;
revoke execute on function current_tenant() from public;
grant execute on function current_tenant() to postbus_fetcher, postbus_writer, postbus_outbound, postbus_gateway;

-- owner: the operator. The gateway reads it.
create table tenant (
  tenant_id  uuid primary key default uuidv7(),
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);
alter table tenant enable row level security;
create policy tenant on tenant using (tenant_id = current_tenant());
grant select on tenant to postbus_gateway;

-- owner: api-gateway. Only the SHA-256 of a key is stored. A key is 256 random bits, so the hash needs no salt.
create table api_key (
  key_hash   bytea primary key check (length(key_hash) = 32),
  tenant_id  uuid not null references tenant,
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
alter table api_key enable row level security;
create policy tenant on api_key using (tenant_id = current_tenant());
grant select, insert, update, delete on api_key to postbus_gateway;

-- The look-up that finds out which tenant a request belongs to. It runs as the owner of the schema, past row-level security, and returns
-- an id only.
create function tenant_of_api_key(hash bytea) returns uuid
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  return (select tenant_id from api_key where key_hash = hash and revoked_at is null);
revoke execute on function tenant_of_api_key(bytea) from public;
grant execute on function tenant_of_api_key(bytea) to postbus_gateway;

-- owner: api-gateway. Answers to requests that carried an Idempotency-Key, stored in the transaction that did the work: the work is
-- done once or not at all, however often the request arrives. Answers older than a day are deleted.
create table idempotency_key (
  tenant_id   uuid not null,
  key         text not null,
  fingerprint bytea not null,           -- SHA-256 of method, path and body
  answer      text not null,            -- JSON
  created_at  timestamptz not null default now(),
  primary key (tenant_id, key)
);
create index idempotency_key_age on idempotency_key (tenant_id, created_at);
alter table idempotency_key enable row level security;
create policy tenant on idempotency_key using (tenant_id = current_tenant());
grant select, insert, delete on idempotency_key to postbus_gateway;

-- owner: api-gateway.
create table webhook (
  webhook_id uuid primary key default uuidv7(),
  tenant_id  uuid not null references tenant,
  url        text not null,
  secret     bytea not null,
  types      text[] not null default '{}',
  disabled   boolean not null default false,
  created_at timestamptz not null default now()
);
alter table webhook enable row level security;
create policy tenant on webhook using (tenant_id = current_tenant());
grant select, insert, update, delete on webhook to postbus_gateway;

-- owner: api-gateway.
create table webhook_delivery (
  webhook_id  uuid not null references webhook on delete cascade,
  delivery_id uuid not null default uuidv7(),
  tenant_id   uuid not null,
  account_id  uuid not null,
  seq         bigint not null,          -- change_log.seq
  state       text not null default 'due' check (state in ('due', 'delivered', 'failed')),
  attempts    int not null default 0,
  next_try_at timestamptz not null default now(),
  last_status int,
  primary key (webhook_id, delivery_id)
);
create index webhook_delivery_due on webhook_delivery (next_try_at) where state = 'due';
alter table webhook_delivery enable row level security;
create policy tenant on webhook_delivery using (tenant_id = current_tenant());
grant select, insert, update, delete on webhook_delivery to postbus_gateway;
