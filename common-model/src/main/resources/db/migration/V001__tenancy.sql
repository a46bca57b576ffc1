-- Tenants, their keys and accounts, and the roles that the services connect as.
--
-- Every table carries tenant_id and is under row-level security from its first day: a transaction sees the rows of the
-- tenant that it names with set_config('app.tenant', …, true), and none if it names none. All primary keys start with
-- account_id, so the schema can be sharded by account.

do $$
declare
  name text;
begin
  -- A role belongs to the whole server, not to one database: another database may have made it already.
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

grant usage on schema public to postbus_fetcher, postbus_writer, postbus_outbound, postbus_gateway;

-- nullif: after one set_config(…, true) the setting is '' in later transactions of the session, and '' is no uuid.
create function current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '')::uuid;

create table tenant (
  tenant_id  uuid primary key default uuidv7(),
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);

-- owner: api-gateway. Only the SHA-256 of a key is kept; a key is 256 random bits, so it needs no salt.
create table api_key (
  key_hash   bytea primary key check (length(key_hash) = 32),
  tenant_id  uuid not null references tenant,
  name       text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- owner: api-gateway. What the topic postbus.accounts is made from; a row whose revision or wake is above what was
-- published is published again by a sweeper, so a lost record loses nothing.
create table account (
  account_id         uuid primary key default uuidv7(),
  tenant_id          uuid not null references tenant,
  protocol           text not null check (protocol in ('imap', 'jmap')),
  email              text not null check (length(email) between 1 and 320),
  settings           jsonb not null,
  status             text not null default 'active' check (status in ('active', 'paused')),
  revision           bigint not null default 1,
  wake               bigint not null default 0,
  published_revision bigint not null default 0,
  published_wake     bigint not null default 0,
  created_at         timestamptz not null default now()
);
create index account_tenant on account (tenant_id, account_id);
create index account_unpublished on account (account_id) where published_revision < revision or published_wake < wake;

-- A deleted account's rows go at once; this row stays until the tombstone is on the topic.
create table account_tombstone (
  account_id uuid primary key,
  tenant_id  uuid not null references tenant,
  deleted_at timestamptz not null default now()
);

-- owner: api-gateway. Encrypted with Tink AEAD, bound to tenant, account and kind: a copied ciphertext does not decrypt.
create table credential (
  account_id uuid not null references account on delete cascade,
  kind       text not null check (kind in ('password')),
  tenant_id  uuid not null,
  ciphertext bytea not null,
  updated_at timestamptz not null default now(),
  primary key (account_id, kind)
);

-- The row that serialises an account: a fetcher claims it (fence), the writer locks it while it applies a batch.
-- owner: fence by fetcher-service's claim, everything else by writer-service.
create table account_sync (
  account_id       uuid primary key references account on delete cascade,
  tenant_id        uuid not null,
  fence            bigint not null default 0,
  applied_seq      bigint not null default 0,  -- within the fence
  change_seq       bigint not null default 0,  -- last seq given out in change_log
  pass             bigint not null default 0,  -- finished passes
  initial_done     boolean not null default false,
  full_pass_wanted boolean not null default false,  -- a batch was quarantined: the cursors may not be trusted
  state            text not null default 'initial'
                   check (state in ('initial', 'syncing', 'idle', 'backoff', 'needs-login', 'paused')),
  last_synced_at   timestamptz,
  last_error       text,
  retry_at         timestamptz,
  push             text check (push in ('notify', 'idle', 'event-source', 'websocket', 'poll'))
);

-- owner: writer-service; stored in the transaction of the rows that the cursor follows from.
create table sync_state (
  account_id uuid not null references account on delete cascade,
  scope      text not null,
  tenant_id  uuid not null,
  cursor     jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (account_id, scope)
);
