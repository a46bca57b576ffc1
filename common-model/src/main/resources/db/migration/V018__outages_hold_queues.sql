set lock_timeout = '2s';

-- A server that is unreachable, throttles or refuses the login delays an account's whole queue; it uses up no attempts of the items in it.

-- owner: outbound-service. A row exists while the queue waits: from the first failure until the server has answered. Until next_try_at nothing
-- of the queue is sent, unless the account has another revision than when it failed (a new password, for example).
create table outbound_hold (
  account_id  uuid not null references account on delete cascade,
  queue       text not null check (queue in ('mutations', 'submissions')),
  tenant_id   uuid not null,
  revision    bigint not null,          -- of the account when it failed
  reason      text not null check (reason in ('unreachable', 'throttled', 'limit-exceeded', 'login-refused')),
  error       text not null,            -- of the last failure
  failures    int not null default 1,   -- in a row
  since       timestamptz not null default now(),
  next_try_at timestamptz not null,
  primary key (account_id, queue)
);
alter table outbound_hold enable row level security;
create policy tenant on outbound_hold using (tenant_id = current_tenant());
-- accounts_with_due_mutations, accounts_with_due_submissions
create policy lookup on outbound_hold for select to postbus_owner using (true);
grant select, insert, update, delete on outbound_hold to postbus_outbound;
grant select, update (next_try_at) on outbound_hold to postbus_gateway;

-- A version of outbound-service before this one knows none of these columns, and holds by held_at_revision, which is still set.
alter table pending_changes
  -- Claims that ended without an outcome, because the process ended or was frozen. 0 after each outcome.
  add column interruptions int not null default 0,
  -- Whether a command for it may have been sent in some attempt. Null: not known.
  add column sent boolean,
  -- With 'queued': it waits for a complete pass with a greater number than this, because the server's state differs from what is stored.
  add column after_pass bigint,
  -- Its age counts from this time, or from created_at if it was never retried by a user.
  add column retried_at timestamptz;
create index pending_changes_after_pass on pending_changes (account_id, after_pass)
  where state = 'queued' and after_pass is not null;

alter table submission
  add column interruptions int not null default 0,
  add column retried_at timestamptz;

create or replace function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select d.tenant_id, d.account_id
  from (
    select p.tenant_id, p.account_id, a.revision, min(p.next_try_at) as first
    from pending_changes p
    join account a on a.account_id = p.account_id and a.status = 'active'
    where (p.state = 'queued' and p.after_pass is null
            and (p.next_try_at <= now() or p.held_at_revision <> a.revision))
       or (p.state = 'sending' and p.claimed_until < now())
    group by p.tenant_id, p.account_id, a.revision
  ) d
  where not exists (
    select from outbound_hold o
    where o.account_id = d.account_id and o.queue = 'mutations' and o.next_try_at > now() and o.revision = d.revision)
    and not exists (
    select from pending_changes h
    where h.account_id = d.account_id
      and ((h.state = 'queued' and h.next_try_at > now() and h.held_at_revision = d.revision)
        or (h.state = 'sending' and h.claimed_until >= now())))
  order by row_number() over (partition by d.tenant_id order by d.first), d.first
  limit most;
$$;

-- What was sent already, and messages whose outcome is searched for, do not wait for the server that sends.
create or replace function accounts_with_due_submissions(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select s.tenant_id, s.account_id
  from submission s
  join account a on a.account_id = s.account_id and a.status = 'active'
  where s.next_try_at is not null
    and (s.next_try_at <= now() or s.held_at_revision <> a.revision)
    and (s.state in ('in-doubt', 'sent') or not exists (
      select from outbound_hold o
      where o.account_id = s.account_id and o.queue = 'submissions' and o.next_try_at > now() and o.revision = a.revision))
    and not exists (
      select from submission h
      where h.account_id = s.account_id and h.next_try_at is not null and h.claimed_until >= now())
  group by s.tenant_id, s.account_id
  order by row_number() over (partition by s.tenant_id order by min(s.next_try_at)), min(s.next_try_at)
  limit most;
$$;

-- What waits because its account's queue does, shows the queue's next try and reason.
create or replace view mutation_view with (security_invoker = true) as
select p.account_id, p.mutation_id, p.tenant_id, p.email_id, p.mailbox_id, p.kind, p.patch::text as patch, p.state, p.attempts,
       greatest(p.next_try_at, h.next_try_at) as next_try_at, coalesce(p.error, h.error) as error, p.created_at, p.updated_at,
       h.reason as hold_reason, h.since as hold_since
from pending_changes p
left join outbound_hold h on h.account_id = p.account_id and h.queue = 'mutations' and p.state = 'queued';

create or replace view submission_view with (security_invoker = true) as
select s.account_id, s.submission_id, s.tenant_id, s.message_id, s.subject, s.size, s.mail_from, s.recipients,
       s.refused::text as refused, s.parent_id, s.parent_keyword, s.state, s.copy, s.attempts, s.send_at,
       case when s.next_try_at is not null then greatest(s.next_try_at, h.next_try_at) end as next_try_at,
       coalesce(s.error, h.error) as error, s.sent_at, s.created_at, s.updated_at,
       h.reason as hold_reason, h.since as hold_since
from submission s
left join outbound_hold h
  on h.account_id = s.account_id and h.queue = 'submissions' and s.state = 'queued' and s.send_at <= now();
