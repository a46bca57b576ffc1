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

-- owner: outbound-service sets it together with state 'applied', after the server's OK: the number of the pass that had begun by then,
-- 0 if none had. Only a complete pass with a greater number confirms the mutation.
alter table pending_changes add column applied_pass bigint;
create index pending_changes_applied on pending_changes (account_id, applied_pass) where state = 'applied';
