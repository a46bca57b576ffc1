-- What was asked for, what came of it, and what the world is told.

-- owner: api-gateway inserts and discards, outbound-service moves it on, writer-service confirms it.
-- patch is the JSON merge patch of the request: {"keywords": {"$seen": true, "$flagged": null}, "mailboxIds": {…}}.
create table pending_changes (
  account_id      uuid not null references account on delete cascade,
  mutation_id     uuid not null default uuidv7(),
  tenant_id       uuid not null,
  email_id        uuid not null,
  kind            text not null check (kind in ('update', 'destroy')),
  patch           jsonb not null default '{}',
  state           text not null default 'queued'
                  check (state in ('queued', 'sending', 'applied', 'confirmed', 'rejected', 'failed', 'in-doubt')),
  attempts        int not null default 0,
  next_try_at     timestamptz not null default now(),
  error           text,
  claimed_by      text,                 -- while 'sending': the outbound instance
  claimed_until   timestamptz,          -- after this another instance may take it over
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (account_id, mutation_id)
);
create index pending_changes_open on pending_changes (account_id, email_id, mutation_id)
  where state in ('queued', 'sending', 'applied');
create index pending_changes_due on pending_changes (next_try_at) where state in ('queued', 'sending');

-- owner: writer-service. seq has no gap per account; data is the record's value, to the byte as it is published.
create table change_log (
  account_id   uuid not null references account on delete cascade,
  seq          bigint not null,
  tenant_id    uuid not null,
  event_id     uuid not null default uuidv7(),
  type         text not null,
  object_id    uuid,
  data         text not null,
  at           timestamptz not null default now(),
  published_at timestamptz,
  primary key (account_id, seq)
);
create index change_log_unpublished on change_log (account_id, seq) where published_at is null;

-- owner: writer-service. One row per pass or error of an account.
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

-- owner: writer-service. Records that could not be decoded or applied. tenant_id is empty where the record did not tell.
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

create table webhook_delivery (
  webhook_id  uuid not null references webhook on delete cascade,
  delivery_id uuid not null default uuidv7(),
  tenant_id   uuid not null,
  account_id  uuid not null,
  seq         bigint not null,
  state       text not null default 'due' check (state in ('due', 'delivered', 'failed')),
  attempts    int not null default 0,
  next_try_at timestamptz not null default now(),
  last_status int,
  primary key (webhook_id, delivery_id)
);
create index webhook_delivery_due on webhook_delivery (next_try_at) where state = 'due';
