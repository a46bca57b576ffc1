set lock_timeout = '2s';

-- Messages that could not be read: deferred at first, quarantined after repeated refusals (ADR 14), and tried again at next_try_at. What was
-- quarantined before this migration is tried again at once.

alter table quarantined_message
  add column state           text not null default 'quarantined' check (state in ('deferred', 'quarantined')),
  add column refusals        int not null default 0,             -- of this message alone, while others were returned
  add column retries         int not null default 0,             -- while it was quarantined
  add column first_failed_at timestamptz not null default now(),
  add column last_failed_at  timestamptz not null default now(),
  add column next_try_at     timestamptz not null default now();

-- owner: writer-service. The same for emails of JMAP accounts, which have no location.
create table quarantined_email (
  account_id      uuid not null references account on delete cascade,
  quarantine_id   uuid not null default uuidv7(),
  tenant_id       uuid not null,
  jmap_id         text not null,
  reason          text not null,
  at              timestamptz not null default now(),            -- since it is deferred, or quarantined
  state           text not null check (state in ('deferred', 'quarantined')),
  refusals        int not null,
  retries         int not null,
  first_failed_at timestamptz not null,
  last_failed_at  timestamptz not null,
  next_try_at     timestamptz not null,
  primary key (account_id, quarantine_id),
  unique (account_id, jmap_id)
);
alter table quarantined_email enable row level security;
create policy tenant on quarantined_email using (tenant_id = current_tenant());
grant select, insert, update, delete on quarantined_email to postbus_writer;
grant select on quarantined_email to postbus_fetcher, postbus_gateway;

create view quarantine_view with (security_invoker = true) as
select account_id, quarantine_id, tenant_id, mailbox_id, uidvalidity, uid, null::text as jmap_id, reason, at, state, refusals, last_failed_at,
       next_try_at
from quarantined_message
union all
select account_id, quarantine_id, tenant_id, null, null, null, jmap_id, reason, at, state, refusals, last_failed_at, next_try_at
from quarantined_email;
grant select on quarantine_view to postbus_gateway;

-- As in V009, with the numbers of messages that could not be read. An account has none or a few.
create or replace view account_view with (security_invoker = true) as
select a.account_id, a.tenant_id, a.protocol, a.email, a.settings::text as settings, a.status, a.created_at,
       case when a.status = 'paused' then 'paused' else coalesce(s.state, 'initial') end as sync_state,
       s.last_synced_at, s.last_error, s.retry_at, s.push, s.change_seq, q.deferred, q.quarantined
from account a
left join account_sync s on s.account_id = a.account_id
left join lateral (
  select count(*) filter (where v.state = 'deferred') as deferred, count(*) filter (where v.state = 'quarantined') as quarantined
  from quarantine_view v where v.account_id = a.account_id) q on true;

-- Makes a message be tried again by the next requested pass: five minutes ago, because a fetcher's clock may be behind. The gateway may not write
-- the writer's tables. Returns whether there is such a message.
create function retry_quarantined(account uuid, quarantine uuid) returns boolean
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  update quarantined_message q set next_try_at = least(q.next_try_at, now() - interval '5 minutes')
  where q.account_id = account and q.quarantine_id = quarantine and q.tenant_id = current_tenant();
  if found then
    return true;
  end if;
  update quarantined_email q set next_try_at = least(q.next_try_at, now() - interval '5 minutes')
  where q.account_id = account and q.quarantine_id = quarantine and q.tenant_id = current_tenant();
  return found;
end
$$;
revoke execute on function retry_quarantined(uuid, uuid) from public;
grant execute on function retry_quarantined(uuid, uuid) to postbus_gateway;

-- Where the emails are whose mutations a pass is to confirm: on a server without mod-sequences a fetcher must compare their flags. The fetcher may
-- not read the mutations themselves.
create function locations_to_confirm(account uuid, most int) returns table (server_key text, uidvalidity bigint, uid bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select m.server_key, l.uidvalidity, l.uid
  from (select o.email_id from (
          select p.email_id, min(p.applied_pass) as applied_pass from pending_changes p
          where p.account_id = account and p.tenant_id = current_tenant() and p.state = 'applied' and p.email_id is not null
          group by p.email_id) o
        order by o.applied_pass limit most) p
  cross join lateral (
    select e.mailbox_id, e.uidvalidity, e.uid from email_mailbox e
    where e.account_id = account and e.email_id between p.email_id and p.email_id order by e.email_id offset 0) l
  join mailbox m on m.account_id = account and m.mailbox_id = l.mailbox_id
  where l.uid > 0
  limit 2 * most;  -- an email may be in any number of locations
$$;
revoke execute on function locations_to_confirm(uuid, int) from public;
grant execute on function locations_to_confirm(uuid, int) to postbus_fetcher;
