-- The changes that subscribers receive, and the outbox from which they are published.

-- owner: writer-service. seq has no gaps within an account. data is the record's value, byte for byte as it is published.
create table change_log (
  account_id   uuid not null,
  seq          bigint not null,
  tenant_id    uuid not null,
  event_id     uuid not null default uuidv7(),
  type         text not null,
  object_id    uuid,
  data         text not null,
  at           timestamptz not null default now(),
  primary key (account_id, seq)
);
alter table change_log enable row level security;
create policy tenant on change_log using (tenant_id = current_tenant());
grant select, insert, update, delete on change_log to postbus_writer;
grant select on change_log to postbus_gateway;

-- owner: writer-service. The ranges of change_log that are not published yet: one row per transaction that appended. A published mark in
-- each row of change_log would rewrite the row.
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

-- Look-up across tenants. It runs as the owner of the schema, past row-level security, and returns ids only.
create function accounts_with_unpublished_changes(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select distinct o.tenant_id, o.account_id from change_outbox o limit most;
$$;
revoke execute on function accounts_with_unpublished_changes(int) from public;
grant execute on function accounts_with_unpublished_changes(int) to postbus_writer;

-- Appends changes that no mail server reported: how a mutation or a submission ended. outbound-service and api-gateway call it in the
-- transaction in which that happens. The update locks the account's row, as the writer does, so seq has no gaps.
-- data: the events, each without its seq.
create function append_changes(account uuid, types text[], objects uuid[], data text[]) returns void
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  first bigint;
begin
  update account_sync s set change_seq = s.change_seq + cardinality(types)
  where s.account_id = account and s.tenant_id = current_tenant()
  returning s.change_seq - cardinality(types) + 1 into first;
  if first is null then
    raise exception 'account % has no row in account_sync', account;
  end if;
  insert into change_log (account_id, tenant_id, seq, type, object_id, data)
  select account, current_tenant(), first + n.ordinal - 1, n.type, n.object_id,
         jsonb_set(n.data::jsonb, '{seq}', to_jsonb(first + n.ordinal - 1))::text
  from unnest(types, objects, data) with ordinality n(type, object_id, data, ordinal);
  insert into change_outbox (account_id, tenant_id, first_seq, last_seq)
  values (account, current_tenant(), first, first + cardinality(types) - 1);
end
$$;
revoke execute on function append_changes(uuid, text[], uuid[], text[]) from public;
grant execute on function append_changes(uuid, text[], uuid[], text[]) to postbus_outbound, postbus_gateway;
