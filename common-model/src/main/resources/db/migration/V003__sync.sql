-- The state of an account's sync: fence, cursors, passes, and records that could not be applied.

-- The row that serialises an account: a fetcher's claim raises the fence, the writer locks the row while it applies a batch.
-- owner: fetcher-service raises fence, writer-service writes everything else.
create table account_sync (
  account_id       uuid primary key references account on delete cascade,
  tenant_id        uuid not null,
  fence            bigint not null default 0,
  applied_seq      bigint not null default 0,  -- of the batches of this fence
  change_seq       bigint not null default 0,  -- the last seq that was assigned in change_log
  passes_finished  bigint not null default 0,
  -- What the unfinished pass has changed so far.
  pass_created     bigint not null default 0,
  pass_updated     bigint not null default 0,
  pass_destroyed   bigint not null default 0,
  initial_done     boolean not null default false,
  full_pass_wanted boolean not null default false,  -- a batch was quarantined, so the cursors may be ahead of the rows
  state            text not null default 'initial'
                   check (state in ('initial', 'syncing', 'idle', 'backoff', 'needs-login', 'paused')),
  last_synced_at   timestamptz,
  last_error       text,
  retry_at         timestamptz,
  push             text check (push in ('notify', 'idle', 'event-source', 'websocket', 'poll')),
  -- The state and error of the last account.state change event.
  reported_state   text not null default 'initial',
  reported_error   text
);
alter table account_sync enable row level security;
create policy tenant on account_sync using (tenant_id = current_tenant());
grant select on account_sync to postbus_fetcher;
grant update (fence, applied_seq, full_pass_wanted) on account_sync to postbus_fetcher;
grant select, update on account_sync to postbus_writer;
grant select, insert on account_sync to postbus_gateway;

-- owner: fetcher-service. The number of an account's latest sync pass, persisted before the pass reads anything from the server.
-- A table of its own and not a column of account_sync: the writer holds the lock of that row while it applies a batch.
create table sync_pass (
  account_id uuid primary key references account on delete cascade,
  tenant_id  uuid not null,
  number     bigint not null
);
alter table sync_pass enable row level security;
create policy tenant on sync_pass using (tenant_id = current_tenant());
grant select, insert, update on sync_pass to postbus_fetcher;
grant select on sync_pass to postbus_outbound;

-- owner: writer-service. A cursor is stored in the transaction that stores the rows it describes.
create table sync_state (
  account_id uuid not null references account on delete cascade,
  scope      text not null,             -- SyncScope
  tenant_id  uuid not null,
  cursor     jsonb not null,            -- Cursor
  updated_at timestamptz not null default now(),
  primary key (account_id, scope)
);
alter table sync_state enable row level security;
create policy tenant on sync_state using (tenant_id = current_tenant());
grant select, insert, update, delete on sync_state to postbus_writer;
grant select on sync_state to postbus_fetcher, postbus_gateway;

-- owner: writer-service. One row per finished pass and per error of an account.
create table sync_log (
  account_id  uuid not null references account on delete cascade,
  entry_id    uuid not null default uuidv7(),
  tenant_id   uuid not null,
  started_at  timestamptz not null,
  finished_at timestamptz not null,
  created     bigint not null default 0,
  updated     bigint not null default 0,
  destroyed   bigint not null default 0,
  error       text,
  primary key (account_id, entry_id)
);
alter table sync_log enable row level security;
create policy tenant on sync_log using (tenant_id = current_tenant());
grant select, insert, update, delete on sync_log to postbus_writer;
grant select on sync_log to postbus_gateway;

-- owner: writer-service. Kafka records that could not be decoded or applied. tenant_id is null where the record does not name it.
create table quarantine (
  quarantine_id bigint generated always as identity primary key,
  tenant_id     uuid,
  account_id    uuid,
  topic         text not null,
  partition     int not null,
  record_offset bigint not null,
  value         bytea not null,
  reason        text not null,
  at            timestamptz not null default now()
);
alter table quarantine enable row level security;
create policy tenant on quarantine using (tenant_id = current_tenant());
-- A record that does not name its tenant must still be stored.
create policy unknown_tenant on quarantine for insert with check (tenant_id is null or tenant_id = current_tenant());
grant select, insert on quarantine to postbus_writer;
-- The writer reads the new id with lastval(): row-level security hides a row without tenant from INSERT ... RETURNING.
grant select on sequence quarantine_quarantine_id_seq to postbus_writer;
grant select on quarantine to postbus_gateway;

-- Locks an account's row of account_sync, for services that may not write it. Every transaction that appends to the change log or deletes
-- an account takes this lock first, as the writer does, so that no two of them wait for each other.
create function lock_account_sync(account uuid) returns void
  language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
  select from account_sync s where s.account_id = account and s.tenant_id = current_tenant() for update;
$$;
revoke execute on function lock_account_sync(uuid) from public;
grant execute on function lock_account_sync(uuid) to postbus_outbound, postbus_gateway;
