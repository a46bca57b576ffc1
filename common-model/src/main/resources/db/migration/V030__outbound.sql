-- A server that cannot be reached, or that asks us to wait, or refuses the login, is left alone: while a wish that met
-- such a failure waits for its next try, every other wish of its account waits too. It holds for the revision of the
-- account that it met it with: whoever corrects the password need not wait.
-- owner: outbound-service sets it with 'queued'; it means nothing in another state.
alter table pending_changes add column held_at_revision bigint;

-- Oldest first, so no account starves; an account that is held or paused or being flushed has nothing due.
create or replace function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
as $$
  select p.tenant_id, p.account_id
  from pending_changes p
  join account a on a.account_id = p.account_id and a.status = 'active'
  where ((p.state = 'queued' and (p.next_try_at <= now() or p.held_at_revision <> a.revision))
      or (p.state = 'sending' and p.claimed_until < now()))
    and not exists (
      select from pending_changes h
      where h.account_id = p.account_id
        and ((h.state = 'queued' and h.next_try_at > now() and h.held_at_revision = a.revision)
          or (h.state = 'sending' and h.claimed_until >= now())))
  group by p.tenant_id, p.account_id
  order by min(p.next_try_at)
  limit most;
$$;
