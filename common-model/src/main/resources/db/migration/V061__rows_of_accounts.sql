-- What V012 says of the children of emails holds for the rows of an account, too: of each message's rows three looked the account up
-- and locked it, one by one. Whoever writes them holds the account's row of account_sync, which does refer to it, so none can
-- come after the account has gone; and all of them go with it here.
alter table email drop constraint email_account_id_fkey;
alter table thread_reference drop constraint thread_reference_account_id_fkey;
alter table change_log drop constraint change_log_account_id_fkey;

-- As in V012: as the owner, and by the index that begins with the account, whatever the statistics say. After the cascade, which takes
-- account_sync along: a writer that was at work has ended by then, and its rows are seen.
create function delete_rows_of_accounts() returns trigger
  language plpgsql security definer
  set search_path = public set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  delete from email r using gone g where r.account_id = g.account_id;
  delete from thread_reference r using gone g where r.account_id = g.account_id;
  delete from change_log r using gone g where r.account_id = g.account_id;
  return null;
end
$$;

create trigger rows_of_accounts after delete on account referencing old table as gone
  for each statement execute function delete_rows_of_accounts();

-- Nothing looks into a body in SQL on the way; json is checked as jsonb is, can be asked as it can, and is stored as it came.
drop view email_body_text_view;
alter table email_body alter column body type json using body::json;
create view email_body_text_view with (security_invoker = true) as
select account_id, email_id, tenant_id, body::text as body from email_body;
grant select on email_body_text_view to postbus_gateway;

-- The change of type has taken back what V012 chose.
do $$
begin
  alter table email_body alter column body set compression lz4;
exception when feature_not_supported then
  alter table email_body alter column body set storage external;
end
$$;
