set lock_timeout = '2s';

-- The writer applies a large batch in several transactions, leaves out what cannot be stored, and keeps the counts that a claim needs; the change
-- log is partitioned by time (ADR 15).

-- owner: writer-service, by the triggers below. How many rows email_mailbox has for a mailbox under a UIDVALIDITY (JMAP and labels: 0). With these
-- a claim costs O(mailboxes) and not O(messages).
create table mailbox_links (
  account_id  uuid not null,
  mailbox_id  uuid not null,
  uidvalidity bigint not null,
  tenant_id   uuid not null,
  links       bigint not null,
  primary key (account_id, mailbox_id, uidvalidity),
  foreign key (account_id, mailbox_id) references mailbox on delete cascade
);
alter table mailbox_links enable row level security;
create policy tenant on mailbox_links using (tenant_id = current_tenant());
grant select on mailbox_links to postbus_fetcher;

-- Once per statement, whoever changes email_mailbox: a version of the writer before this one, too. Links of a mailbox that has no row are not
-- counted; the writer inserts mailboxes first.
create function count_links() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off
as $$
begin
  if tg_op = 'INSERT' then
    insert into mailbox_links as c (account_id, mailbox_id, uidvalidity, tenant_id, links)
    select g.account_id, g.mailbox_id, g.uidvalidity, m.tenant_id, g.links
    from (select n.account_id, n.mailbox_id, n.uidvalidity, count(*) as links from gained n group by 1, 2, 3) g
    join mailbox m on m.account_id = g.account_id and m.mailbox_id = g.mailbox_id
    on conflict (account_id, mailbox_id, uidvalidity) do update set links = c.links + excluded.links;
  elsif tg_op = 'DELETE' then
    update mailbox_links c set links = c.links - l.links
    from (select o.account_id, o.mailbox_id, o.uidvalidity, count(*) as links from lost o group by 1, 2, 3) l
    where c.account_id = l.account_id and c.mailbox_id = l.mailbox_id and c.uidvalidity = l.uidvalidity;
    delete from mailbox_links c
    using (select distinct o.account_id, o.mailbox_id, o.uidvalidity from lost o) l
    where c.account_id = l.account_id and c.mailbox_id = l.mailbox_id and c.uidvalidity = l.uidvalidity and c.links = 0;
  else
    -- Only a message that is listed under another UIDVALIDITY changes a count.
    insert into mailbox_links as c (account_id, mailbox_id, uidvalidity, tenant_id, links)
    select d.account_id, d.mailbox_id, d.uidvalidity, m.tenant_id, d.links
    from (
      select b.account_id, b.mailbox_id, b.uidvalidity, sum(b.links)::bigint as links
      from (select n.account_id, n.mailbox_id, n.uidvalidity, 1 as links from gained n
            union all
            select o.account_id, o.mailbox_id, o.uidvalidity, -1 from lost o) b
      group by 1, 2, 3 having sum(b.links) <> 0) d
    join mailbox m on m.account_id = d.account_id and m.mailbox_id = d.mailbox_id
    on conflict (account_id, mailbox_id, uidvalidity) do update set links = c.links + excluded.links;
    -- A server that changes UIDVALIDITY in each pass would leave a row each time.
    delete from mailbox_links c
    using (select distinct o.account_id, o.mailbox_id, o.uidvalidity from lost o) l
    where c.account_id = l.account_id and c.mailbox_id = l.mailbox_id and c.uidvalidity = l.uidvalidity and c.links = 0;
  end if;
  return null;
end
$$;
revoke execute on function count_links() from public;
-- The first of them takes a lock that writers wait for until this migration is committed: no link is missed.
create trigger count_inserted_links after insert on email_mailbox referencing new table as gained
  for each statement execute function count_links();
create trigger count_deleted_links after delete on email_mailbox referencing old table as lost
  for each statement execute function count_links();
create trigger count_updated_links after update on email_mailbox referencing old table as lost new table as gained
  for each statement execute function count_links();
insert into mailbox_links (account_id, mailbox_id, uidvalidity, tenant_id, links)
select l.account_id, l.mailbox_id, l.uidvalidity, m.tenant_id, count(*)
from email_mailbox l
join mailbox m on m.account_id = l.account_id and m.mailbox_id = l.mailbox_id
group by l.account_id, l.mailbox_id, l.uidvalidity, m.tenant_id;

-- A claim of mutations reads what is queued or being sent, and of those that wait for the server's report the few that moved an email or changed a
-- mailbox.
create index pending_changes_queue on pending_changes (account_id, mutation_id) where state in ('queued', 'sending');
create index pending_changes_moving on pending_changes (account_id, mutation_id)
  where state = 'applied' and (email_id is null or patch -> 'mailboxIds' <> '{}');

-- The records of an account that were quarantined within the last hour. The writer may not read their mail.
create function quarantined_recently(account uuid) returns int
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select count(*)::int from quarantine q
  where q.account_id = account and q.tenant_id = current_tenant() and q.at > now() - interval '1 hour';
$$;
revoke execute on function quarantined_recently(uuid) from public;
grant execute on function quarantined_recently(uuid) to postbus_writer;

-- Retention of quarantined records, called by outbound-service in pages.
create index quarantine_at on quarantine (at);
create policy lookup on quarantine for select to postbus_owner using (true);     -- delete_old_quarantine
create policy retention on quarantine for delete to postbus_owner using (true);  -- delete_old_quarantine
create policy retention_lock on quarantine for update to postbus_owner using (true) with check (false);
create function delete_old_quarantine(before timestamptz, most int) returns int
  language sql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
as $$
  with gone as (
    delete from quarantine where ctid = any (array(
      select ctid from quarantine where at < before order by at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;
revoke execute on function delete_old_quarantine(timestamptz, int) from public;
grant execute on function delete_old_quarantine(timestamptz, int) to postbus_outbound;

-- The change log by weeks (UTC, from Monday): retention drops a partition in place of deleting its rows. The rows that exist stay where they are,
-- in the first partition, which ends after the current week. seq is unique within each partition; the lock of account_sync, under which it is
-- allocated, makes it unique in all.
alter table change_log rename to change_log_before;
alter table change_log_before rename constraint change_log_pkey to change_log_before_pkey;
revoke all on change_log_before from postbus_writer, postbus_gateway;
drop policy tenant on change_log_before;
drop policy retention on change_log_before;
create index change_log_before_at on change_log_before using brin (at);

-- owner: writer-service. seq has no gaps within an account. data is the record's value, byte for byte as it is published.
create table change_log (
  account_id   uuid not null,
  seq          bigint not null,
  tenant_id    uuid not null,
  event_id     uuid not null default uuidv7(),
  type         text not null,
  object_id    uuid,
  data         text not null,
  at           timestamptz not null default now()
) partition by range (at);
alter table change_log enable row level security;
create policy tenant on change_log using (tenant_id = current_tenant());
create policy lookup on change_log for select to postbus_owner using (true);     -- delete_old_changes, drop_old_change_partitions
create policy retention on change_log for delete to postbus_owner using (true);  -- delete_old_changes, drop_old_change_partitions
grant select, insert on change_log to postbus_writer;
grant select on change_log to postbus_gateway;

do $$
declare
  until timestamptz;
begin
  select date_trunc('week', greatest(now(), max(at)), 'UTC') + interval '168 hours' into until from change_log_before;
  execute format('alter table change_log attach partition change_log_before for values from (minvalue) to (%L)', until);
end
$$;

-- What belongs to no other partition: an insert never fails because of its time. Its rows are deleted one by one.
create table change_log_default partition of change_log (primary key (account_id, seq)) default;
create index change_log_default_at on change_log_default using brin (at);
alter table change_log_default enable row level security;
create policy lookup on change_log_default for select to postbus_owner using (true);  -- delete_old_changes

-- Creates the partitions of this week and of the next ones. A week whose rows are in the first or the default partition gets none. Returns how many
-- were created. The locks are short, and not waited for: the next call tries again.
create function create_change_partitions(weeks int) returns int
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set lock_timeout = '1s' set timezone = 'UTC'
as $$
declare
  first timestamptz;
  name text;
  created int := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('change_log_partitions', 0)) then
    return 0;
  end if;
  for week in 0..weeks loop
    first := date_trunc('week', now()) + week * interval '168 hours';
    name := 'change_log_' || to_char(first, 'YYYYMMDD');
    continue when to_regclass('public.' || name) is not null;
    begin
      execute format('create table public.%I (like public.change_log including defaults, primary key (account_id, seq))', name);
      execute format('create index on public.%I using brin (at)', name);
      execute format('alter table public.%I enable row level security, force row level security', name);
      execute format('create policy owner on public.%I to postbus_owner using ((select pg_has_role(session_user, %L, %L)))',
                     name, 'postbus_owner', 'usage');
      execute format('alter table public.change_log attach partition public.%I for values from (%L) to (%L)',
                     name, first, first + interval '168 hours');
      created := created + 1;
    exception when invalid_object_definition or check_violation then
      -- The first partition has this time, or the default partition has rows of it.
      null;
    end;
  end loop;
  return created;
end
$$;
revoke execute on function create_change_partitions(int) from public;
grant execute on function create_change_partitions(int) to postbus_outbound;

-- Drops partitions all of whose rows are older than that, unless a row is not published yet. Returns how many. What is left of an account has no
-- gap: seq follows time except for the difference of clocks, so rows at the border that come before a dropped one go, too.
create function drop_old_change_partitions(before timestamptz) returns int
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set lock_timeout = '1s' set timezone = 'UTC'
as $$
declare
  part record;
  dropped int := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('change_log_partitions', 0)) then
    return 0;
  end if;
  for part in
    select p.name, p.until
    from (select c.oid::regclass as name, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz as until
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'public.change_log'::regclass) p
    where p.until <= before
    order by p.until
  loop
    exit when exists (
      select from change_outbox o
      join change_log l on l.account_id = o.account_id and l.seq between o.first_seq and o.last_seq
      where l.at < part.until);
    delete from change_log l
    using (select b.account_id, max(b.seq) as seq from change_log b
           where b.at >= part.until - interval '1 hour' and b.at < part.until group by b.account_id) last
    where l.account_id = last.account_id and l.seq < last.seq and l.at >= part.until and l.at < part.until + interval '1 hour';
    execute format('drop table %s', part.name);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;
revoke execute on function drop_old_change_partitions(timestamptz) from public;
grant execute on function drop_old_change_partitions(timestamptz) to postbus_outbound;

-- As in V008, for the rows of the first and the default partition, which may be older while their partition is not: nothing else needs to be deleted
-- row by row.
create or replace function delete_old_changes(before timestamptz, most int) returns int
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off
as $$
declare
  old record;
  upto bigint;
  chunk int;
  deleted int := 0;
  any_old boolean;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('delete_old_changes', 0)) then
    return 0;
  end if;
  select exists (select from change_log_default d where d.at < before) into any_old;
  if not any_old and to_regclass('public.change_log_before') is not null then
    execute 'select exists (select from public.change_log_before b where b.at < $1)' into any_old using before;
  end if;
  if not any_old then
    return 0;
  end if;
  for old in
    select s.account_id, f.seq
    from account_sync s
    cross join lateral (
      select l.seq, l.at from change_log l where l.account_id = s.account_id order by l.seq limit 1) f
    where f.at < before
  loop
    select least(
        coalesce(min(w.seq) filter (where w.at >= before), max(w.seq) + 1),
        (select min(o.first_seq) from change_outbox o where o.account_id = old.account_id))
      into upto
    from (
      select l.seq, l.at from change_log l
      where l.account_id = old.account_id and l.seq >= old.seq order by l.seq limit most - deleted) w;
    delete from change_log l where l.account_id = old.account_id and l.seq >= old.seq and l.seq < upto;
    get diagnostics chunk = row_count;
    deleted := deleted + chunk;
    exit when deleted >= most;
  end loop;
  return deleted;
end
$$;

-- As in V011, but ctid names a row of change_log no more: it is unique within a partition.
create or replace function erase_account_rows(account uuid, most int) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off
as $$
declare
  chunk int;
  more boolean := false;
begin
  perform from account_erasure e
  where e.account_id = account and e.tenant_id = current_tenant() and not e.erased for update skip locked;
  if not found then
    return false;
  end if;
  delete from email where ctid = any (array(
    select r.ctid from email r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from thread_reference where ctid = any (array(
    select r.ctid from thread_reference r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from change_log where account_id = account and seq = any (array(
    select r.seq from change_log r where r.account_id = account order by r.seq limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  delete from quarantine where ctid = any (array(
    select r.ctid from quarantine r where r.account_id = account limit most));
  get diagnostics chunk = row_count;
  more := more or chunk >= most;
  if not more then
    delete from account_erasure e where e.account_id = account and e.published;
    update account_erasure e set erased = true where e.account_id = account;
  end if;
  return more;
end
$$;

select create_change_partitions(4);

-- Last, because every service reads this table, and the lock is held to the end of the migration.
-- How far a batch has been applied that needs more than one transaction. It counts only for the batch that it names.
alter table account_sync
  add column part_fence        bigint not null default 0,
  add column part_seq          bigint not null default 0,
  add column part_observations int not null default 0,      -- that are done
  add column part_rows         bigint not null default 0,   -- that the next one has changed already
  add column part_refused      boolean not null default false;  -- one of them was quarantined
