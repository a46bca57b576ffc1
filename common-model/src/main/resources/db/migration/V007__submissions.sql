-- Submissions: messages to be sent, on their way to the server.

-- A submission whose outcome is unknown is never sent again automatically (ADR 9), so everything about its outcome is in the row:
-- 'transmitting' is committed before the message is handed over.
-- owner: api-gateway inserts, cancels and retries, outbound-service moves a submission through its states.
create table submission (
  account_id       uuid not null references account on delete cascade,
  submission_id    uuid not null default uuidv7(),
  tenant_id        uuid not null,
  message          bytea check (octet_length(message) <= 10485760),  -- RFC 5322; null when it is not needed any more
  size             int not null,        -- of the message, in octets
  message_id       text not null,       -- without <>. It is in the message and identifies the copy in the mailbox for sent mail
  subject          text not null default '',
  mail_from        text not null,       -- the envelope (RFC 5321)
  recipients       text[] not null check (cardinality(recipients) between 1 and 100),
  refused          jsonb not null default '{}',  -- recipients that the server refused, with its reply
  parent_id        uuid,                -- the email that is answered or forwarded
  parent_keyword   text check (parent_keyword in ('$answered', '$forwarded')),
  state            text not null default 'queued'
                   check (state in ('queued', 'sending', 'sent', 'rejected', 'failed', 'in-doubt', 'canceled')),
  transmitting     boolean not null default false,
  copy             text not null default 'none'  -- in the mailbox for sent mail; 'none': Postbus does not make it
                   check (copy in ('none', 'due', 'done', 'failed')),
  attempts         int not null default 0,  -- to send
  checks           int not null default 0,  -- attempts after that, to find or to store a copy
  send_at          timestamptz not null default now(),
  next_try_at      timestamptz default now(),  -- null: nothing is to be done
  error            text,
  claimed_by       text,                -- the outbound instance
  claimed_until    timestamptz,         -- after this another instance may take it over
  held_at_revision bigint,              -- as in pending_changes
  sent_at          timestamptz,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  primary key (account_id, submission_id),
  check ((parent_id is null) = (parent_keyword is null))
);
create index submission_due on submission (next_try_at) where next_try_at is not null;
create index submission_ended on submission (updated_at)
  where next_try_at is null and state in ('sent', 'rejected', 'canceled');
create index submission_ended_badly on submission (state) where state in ('failed', 'in-doubt');
alter table submission enable row level security;
create policy tenant on submission using (tenant_id = current_tenant());
grant select, insert, update on submission to postbus_gateway;
grant select, update on submission to postbus_outbound;

-- Look-up across tenants, oldest first. An account that is held or paused, or one of whose submissions is being sent, has nothing due.
create function accounts_with_due_submissions(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select s.tenant_id, s.account_id
  from submission s
  join account a on a.account_id = s.account_id and a.status = 'active'
  where s.next_try_at is not null
    and (s.next_try_at <= now() or s.held_at_revision <> a.revision)
    and not exists (
      select from submission h
      where h.account_id = s.account_id and h.next_try_at is not null
        and (h.claimed_until >= now() or (h.next_try_at > now() and h.held_at_revision = a.revision)))
  group by s.tenant_id, s.account_id
  order by min(s.next_try_at)
  limit most;
$$;
revoke execute on function accounts_with_due_submissions(int) from public;
grant execute on function accounts_with_due_submissions(int) to postbus_outbound;

-- The size of both queues over all tenants, for gauges: the number of items in each state, and the age of the oldest. Items that ended
-- well are many and not counted; those that ended badly need a person's decision.
create function queue_states() returns table (queue text, state text, items bigint, oldest timestamptz)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select 'mutations', state, count(*), min(created_at) from pending_changes
  where state in ('queued', 'sending', 'applied') group by state
  union all
  select 'mutations', state, count(*), min(created_at) from pending_changes
  where state in ('failed', 'in-doubt') group by state
  union all
  select 'submissions', state, count(*), min(greatest(created_at, send_at)) from submission
  where next_try_at is not null and state in ('queued', 'sending') group by state
  union all
  select 'submissions', state, count(*), min(created_at) from submission
  where state in ('failed', 'in-doubt') group by state;
$$;
revoke execute on function queue_states() from public;
grant execute on function queue_states() to postbus_outbound;
