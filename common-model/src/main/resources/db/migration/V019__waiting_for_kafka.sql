set lock_timeout = '2s';

-- owner: fetcher-service. While Kafka does not accept what a fetcher observed of an account: the account's state in account_sync is older than
-- what happened on its server.
create table sync_wait (
  account_id uuid primary key references account on delete cascade,
  tenant_id  uuid not null,
  fence      bigint not null,           -- of the claim that waits; the next claim removes the row
  since      timestamptz not null
);
alter table sync_wait enable row level security;
create policy tenant on sync_wait using (tenant_id = current_tenant());
grant select, insert, update, delete on sync_wait to postbus_fetcher;
grant select on sync_wait to postbus_gateway;
