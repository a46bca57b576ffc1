-- Mailboxes are created, renamed, moved and destroyed by wishes too. Such a wish has a mailbox and no email; the mailbox that is
-- to be created has its id from the beginning, and the writer gives it to the one that turns up with that name in that place.
alter table pending_changes
  alter column email_id drop not null,
  add column mailbox_id uuid,
  drop constraint pending_changes_kind_check,
  add constraint pending_changes_kind_check
    check (kind in ('update', 'destroy', 'mailbox-create', 'mailbox-update', 'mailbox-destroy')),
  add constraint pending_changes_object_check
    check ((kind in ('update', 'destroy')) = (email_id is not null) and (email_id is null) = (mailbox_id is not null));

create or replace view mutation_view with (security_invoker = true) as
select account_id, mutation_id, tenant_id, email_id, kind, patch::text as patch, state, attempts, next_try_at, error,
       created_at, updated_at, mailbox_id
from pending_changes;

-- The same as before, looked at once per account and not once per wish.
create or replace function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
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
