-- What is deleted with its parent, and what is deleted because it is old. All of it runs as the owner of the schema.
--
-- The planner settings: these tables fill and empty quickly, so the statistics may say that a table is empty when it is not. Each
-- function therefore allows only the index that it is written for.

-- In place of foreign keys from the children of emails (V004): one statement for all emails that a statement deletes. Each child
-- is found by the index that begins with the email's id; the ORDER BY, with sorting off, excludes the other indexes.
create function delete_children_of_emails() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off set enable_sort = off
as $$
begin
  delete from email_mailbox c using gone g cross join lateral (
    select ctid as row from email_mailbox
    where account_id = g.account_id and email_id between g.email_id and g.email_id order by email_id offset 0) at
  where c.ctid = at.row;
  delete from email_body c using gone g cross join lateral (
    select ctid as row from email_body
    where account_id = g.account_id and email_id between g.email_id and g.email_id order by email_id offset 0) at
  where c.ctid = at.row;
  delete from attachment c using gone g cross join lateral (
    select ctid as row from attachment
    where account_id = g.account_id and email_id between g.email_id and g.email_id order by email_id offset 0) at
  where c.ctid = at.row;
  return null;
end
$$;
revoke execute on function delete_children_of_emails() from public;
create trigger children_of_emails after delete on email referencing old table as gone
  for each statement execute function delete_children_of_emails();

-- In place of foreign keys from the large tables of an account. A writer holds the lock of the account's row of account_sync, which does
-- refer to account: the cascade waits for it, so a row that it writes is visible here, and none can be written later.
create function delete_rows_of_accounts() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off
as $$
begin
  delete from email r using gone g where r.account_id = g.account_id;
  delete from thread_reference r using gone g where r.account_id = g.account_id;
  delete from change_log r using gone g where r.account_id = g.account_id;
  return null;
end
$$;
revoke execute on function delete_rows_of_accounts() from public;
create trigger rows_of_accounts after delete on account referencing old table as gone
  for each statement execute function delete_rows_of_accounts();

-- Retention. outbound-service calls these in chunks. What failed or is in doubt is kept: it needs a person's decision. Locked rows are
-- skipped, so that the call never waits and two processes share the work.
create function delete_ended_mutations(before timestamptz, most int) returns int
  language sql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
as $$
  with gone as (
    delete from pending_changes where ctid = any (array(
      select ctid from pending_changes
      where state in ('confirmed', 'rejected') and updated_at < before
      order by updated_at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;
revoke execute on function delete_ended_mutations(timestamptz, int) from public;
grant execute on function delete_ended_mutations(timestamptz, int) to postbus_outbound;

create function delete_ended_submissions(before timestamptz, most int) returns int
  language sql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
as $$
  with gone as (
    delete from submission where ctid = any (array(
      select ctid from submission
      where next_try_at is null and state in ('sent', 'rejected', 'canceled') and updated_at < before
      order by updated_at limit most for update skip locked))
    returning 1)
  select count(*)::int from gone;
$$;
revoke execute on function delete_ended_submissions(timestamptz, int) from public;
grant execute on function delete_ended_submissions(timestamptz, int) to postbus_outbound;

-- The oldest changes of each account, by primary key: the rest has no gap. A change that is not published is kept, and so is every
-- later one. Only one process at a time deletes; for another one there is nothing to do.
create function delete_old_changes(before timestamptz, most int) returns int
  language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  old record;
  upto bigint;
  chunk int;
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
    get diagnostics chunk = row_count;
    deleted := deleted + chunk;
    exit when deleted >= most;
  end loop;
  return deleted;
end
$$;
revoke execute on function delete_old_changes(timestamptz, int) from public;
grant execute on function delete_old_changes(timestamptz, int) to postbus_outbound;
