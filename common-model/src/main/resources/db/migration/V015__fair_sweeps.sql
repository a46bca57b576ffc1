set lock_timeout = '2s';

-- Sweeps return a limited number of accounts, the tenants in turn: a tenant with thousands of accounts in which something is due does not
-- keep another tenant's from being found.

create or replace function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
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
  order by row_number() over (partition by d.tenant_id order by d.first), d.first
  limit most;
$$;

create or replace function accounts_with_due_submissions(most int) returns table (tenant_id uuid, account_id uuid)
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
  order by row_number() over (partition by s.tenant_id order by min(s.next_try_at)), min(s.next_try_at)
  limit most;
$$;

create or replace function accounts_with_unpublished_changes(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select u.tenant_id, u.account_id
  from (select distinct o.tenant_id, o.account_id from change_outbox o) u
  order by row_number() over (partition by u.tenant_id)
  limit most;
$$;
