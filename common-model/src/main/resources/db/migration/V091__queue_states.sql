-- What waits in the queues of all tenants, for gauges: how much is in which state, and since when the oldest.
-- Those that have ended well are many and nobody's concern; those that ended badly wait for a person.
create index pending_changes_ended_badly on pending_changes (state) where state in ('failed', 'in-doubt');
create index submission_ended_badly on submission (state) where state in ('failed', 'in-doubt');

create function queue_states() returns table (queue text, state text, items bigint, oldest timestamptz)
  language sql stable security definer set search_path = public
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
