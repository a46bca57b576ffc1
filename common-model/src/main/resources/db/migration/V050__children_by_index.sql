-- The children of an email are found by the index that begins with its id, whatever the statistics say: an ORDER BY that
-- only this index gives, and no sort allowed. Another index of email_mailbox may be lower, and would read the whole
-- account for each email that goes.
create or replace function delete_children_of_emails() returns trigger
  language plpgsql security definer
  set search_path = public set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set enable_sort = off
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
