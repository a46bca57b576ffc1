-- Mutations: requested changes of mail state, on their way to the server.

-- owner: api-gateway inserts and discards, outbound-service moves a mutation through its states and inserts the keyword changes of
-- submissions, writer-service confirms.
-- patch is the JSON merge patch of the request: {"keywords": {"$seen": true, "$flagged": null}, "mailboxIds": {...}}.
create table pending_changes (
  account_id       uuid not null references account on delete cascade,
  mutation_id      uuid not null default uuidv7(),
  tenant_id        uuid not null,
  email_id         uuid,
  -- A mailbox that is to be created has its id from the beginning: the writer gives it to the mailbox that appears with that name under
  -- that parent.
  mailbox_id       uuid,
  kind             text not null
                   check (kind in ('update', 'destroy', 'mailbox-create', 'mailbox-update', 'mailbox-destroy')),
  patch            jsonb not null default '{}',
  state            text not null default 'queued'
                   check (state in ('queued', 'sending', 'applied', 'confirmed', 'rejected', 'failed', 'in-doubt')),
  attempts         int not null default 0,
  next_try_at      timestamptz not null default now(),
  error            text,
  claimed_by       text,                -- with 'sending': the outbound instance
  claimed_until    timestamptz,         -- after this another instance may take it over
  -- With 'queued': the server was unreachable, asked for a delay or refused the login. Until next_try_at all mutations of the account
  -- wait, unless the account gets another revision (a new password, for example) before that.
  held_at_revision bigint,
  -- With 'applied': sync_pass.number at the server's OK, 0 if there was none. Only a complete pass with a greater number confirms.
  applied_pass     bigint,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  primary key (account_id, mutation_id),
  constraint pending_changes_object_check
    check ((kind in ('update', 'destroy')) = (email_id is not null) and (email_id is null) = (mailbox_id is not null))
);
create index pending_changes_open on pending_changes (account_id, email_id, mutation_id)
  where state in ('queued', 'sending', 'applied');
create index pending_changes_due on pending_changes (next_try_at) where state in ('queued', 'sending');
create index pending_changes_applied on pending_changes (account_id, applied_pass) where state = 'applied';
create index pending_changes_ended on pending_changes (updated_at) where state in ('confirmed', 'rejected');
create index pending_changes_ended_badly on pending_changes (state) where state in ('failed', 'in-doubt');
alter table pending_changes enable row level security;
create policy tenant on pending_changes using (tenant_id = current_tenant());
grant select, insert, update, delete on pending_changes to postbus_gateway;
grant select, insert, update on pending_changes to postbus_outbound;
grant select, update on pending_changes to postbus_writer;

-- Look-up across tenants, oldest first, so that every account gets its turn. An account that is held or paused, or whose mutations are
-- being sent, has nothing due.
create function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select d.tenant_id, d.account_id
  from (
    select p.tenant_id, p.account_id, a.revision, min(p.next_try_at) as first
    from pending_changes p
    join account a on a.account_id = p.account_id and a.status = 'active'
    where (p.state = 'queued' and (p.next_try_at <= now() or p.held_at_revision <> a.revision))
       or (p.state = 'sending' and p.claimed_until < now())
    group by p.tenant_id, p.account_id, a.revision
  ) d
  where not exists (
    select from pending_changes h
    where h.account_id = d.account_id
      and ((h.state = 'queued' and h.next_try_at > now() and h.held_at_revision = d.revision)
        or (h.state = 'sending' and h.claimed_until >= now())))
  order by d.first
  limit most;
$$;
revoke execute on function accounts_with_due_mutations(int) from public;
grant execute on function accounts_with_due_mutations(int) to postbus_outbound;
