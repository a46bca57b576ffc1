-- What people ask to be sent: the wish, the message as it goes out, and what became of it. A message that may have been handed
-- over is never sent again by itself, so everything about that is in the row: 'transmitting' is committed before the hand-over.
-- owner: api-gateway inserts, cancels and retries, outbound-service moves on.
create table submission (
  account_id      uuid not null references account on delete cascade,
  submission_id   uuid not null default uuidv7(),
  tenant_id       uuid not null,
  message         bytea check (octet_length(message) <= 10485760),  -- RFC 5322; null when nobody needs it any more
  size            int not null,         -- of the message, in octets
  message_id      text not null,        -- without <>; it is in the message, and how the message is found again
  subject         text not null default '',
  mail_from       text not null,        -- the envelope (RFC 5321)
  recipients      text[] not null check (cardinality(recipients) between 1 and 100),
  refused         jsonb not null default '{}',  -- recipients that the server refused, with its reply
  parent_id       uuid,                 -- the email that is answered or forwarded
  parent_keyword  text check (parent_keyword in ('$answered', '$forwarded')),
  state           text not null default 'queued'
                  check (state in ('queued', 'sending', 'sent', 'rejected', 'failed', 'in-doubt', 'canceled')),
  transmitting    boolean not null default false,
  copy            text not null default 'none'  -- in the mailbox for sent mail: 'none' is ours to make
                  check (copy in ('none', 'due', 'done', 'failed')),
  attempts        int not null default 0,  -- to send
  looks           int not null default 0,  -- for a copy, after that
  send_at         timestamptz not null default now(),
  next_try_at     timestamptz default now(),  -- null: nothing is to be done
  error           text,
  claimed_by      text,                 -- the outbound process that has it in hand
  claimed_until   timestamptz,          -- after this another one may take it over
  held_at_revision bigint,              -- as in pending_changes
  sent_at         timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (account_id, submission_id),
  check ((parent_id is null) = (parent_keyword is null))
);
create index submission_due on submission (next_try_at) where next_try_at is not null;

alter table submission enable row level security;
create policy tenant on submission using (tenant_id = current_tenant());
grant select, insert, update on submission to postbus_gateway;
grant select, update on submission to postbus_outbound;
-- The email that was answered gets its keyword by a wish like any other.
grant insert on pending_changes to postbus_outbound;

-- Oldest first; an account that is held or paused or being sent for has nothing due.
create function accounts_with_due_submissions(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
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

-- What the gateway's entity is mapped on: without the message.
create view submission_view with (security_invoker = true) as
select account_id, submission_id, tenant_id, message_id, subject, size, mail_from, recipients, refused::text as refused,
       parent_id, parent_keyword, state, copy, attempts, send_at, next_try_at, error, sent_at, created_at, updated_at
from submission;
grant select on submission_view to postbus_gateway;
