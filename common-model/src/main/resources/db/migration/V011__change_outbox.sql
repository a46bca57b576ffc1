-- What of change_log the world has not been told: a row per batch, not a mark on every row. Marking rewrote each row of the
-- log, and the rows without a mark were found by an index that the planner could mistake for the primary key.
create table change_outbox (
  account_id uuid not null references account on delete cascade,
  first_seq  bigint not null,
  last_seq   bigint not null,
  tenant_id  uuid not null,
  primary key (account_id, first_seq)
);
alter table change_outbox enable row level security;
create policy tenant on change_outbox using (tenant_id = current_tenant());
grant select, insert, update, delete on change_outbox to postbus_writer;

insert into change_outbox (account_id, tenant_id, first_seq, last_seq)
select account_id, tenant_id, min(seq), max(seq) from change_log where published_at is null group by account_id, tenant_id;

create or replace function accounts_with_unpublished_changes(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
as $$
  select distinct o.tenant_id, o.account_id from change_outbox o limit most;
$$;

alter table change_log drop column published_at;
