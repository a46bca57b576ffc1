-- What has ended is kept for a while, for people to look at, and then deleted by outbound-service, in portions. As the owner, for no
-- role of a service may delete it otherwise; by index, whatever the statistics say of tables that fill and empty all the time.
-- What failed or is in doubt stays: somebody must decide.
create index pending_changes_ended on pending_changes (updated_at) where state in ('confirmed', 'rejected');
create index submission_ended on submission (updated_at)
  where next_try_at is null and state in ('sent', 'rejected', 'canceled');

-- Rows that somebody has in hand are passed over, so nobody waits, and two that sweep at the same time share the work.
create function delete_ended_mutations(before timestamptz, most int) returns int
  language sql volatile security definer
  set search_path = public set enable_seqscan = off set enable_bitmapscan = off
as $$
  with gone as (
    delete from pending_changes where ctid = any (array(
      select ctid from pending_changes
      where state in ('confirmed', 'rejected') and updated_at < before
      order by updated_at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;

create function delete_ended_submissions(before timestamptz, most int) returns int
  language sql volatile security definer
  set search_path = public set enable_seqscan = off set enable_bitmapscan = off
as $$
  with gone as (
    delete from submission where ctid = any (array(
      select ctid from submission
      where next_try_at is null and state in ('sent', 'rejected', 'canceled') and updated_at < before
      order by updated_at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;

-- The oldest changes of each account, by primary key: what is left has no gap, and begins where the deleting ended. What has not been
-- published stays, and all that comes after it. One at a time: the other finds nothing to do.
create function delete_old_changes(before timestamptz, most int) returns int
  language plpgsql volatile security definer
  set search_path = public set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  old record;
  upto bigint;
  portion int;
  deleted int := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('delete_old_changes', 0)) then
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
    get diagnostics portion = row_count;
    deleted := deleted + portion;
    exit when deleted >= most;
  end loop;
  return deleted;
end
$$;

revoke execute on function delete_ended_mutations(timestamptz, int), delete_ended_submissions(timestamptz, int),
  delete_old_changes(timestamptz, int) from public;
grant execute on function delete_ended_mutations(timestamptz, int), delete_ended_submissions(timestamptz, int),
  delete_old_changes(timestamptz, int) to postbus_outbound;
