-- Answers to requests that bore an Idempotency-Key, stored in the transaction that did the work: so the work is done once
-- or not at all, however often it is asked for.
-- owner: api-gateway, which also takes away what is older than a day.
create table idempotency_key (
  tenant_id   uuid not null,
  key         text not null,
  fingerprint bytea not null,          -- SHA-256 of method, path and body
  answer      text not null,           -- JSON
  created_at  timestamptz not null default now(),
  primary key (tenant_id, key)
);
create index idempotency_key_age on idempotency_key (tenant_id, created_at);

alter table idempotency_key enable row level security;
create policy tenant on idempotency_key using (tenant_id = current_tenant());
grant select, insert, delete on idempotency_key to postbus_gateway;
