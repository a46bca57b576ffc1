-- A foreign key is looked up, and its parent's row locked, for every single row: a quarter of what storing mail cost. The one
-- process that writes these tables does so under the account's lock, parents first; what must hold without its care is
-- that nothing survives its email, and that takes one statement for all emails that go at once.

alter table email_mailbox
  drop constraint email_mailbox_account_id_mailbox_id_fkey,
  drop constraint email_mailbox_account_id_email_id_fkey;
alter table email_body drop constraint email_body_account_id_email_id_fkey;
alter table attachment drop constraint attachment_account_id_email_id_fkey;

-- As the owner, for the cascade from account comes past row-level security, too. Never by reading a whole table: right
-- after a first synchronisation the statistics still say that these tables are empty.
create function delete_children_of_emails() returns trigger
  language plpgsql security definer
  set search_path = public set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  delete from email_mailbox c using gone g where c.account_id = g.account_id and c.email_id = g.email_id;
  delete from email_body c using gone g where c.account_id = g.account_id and c.email_id = g.email_id;
  delete from attachment c using gone g where c.account_id = g.account_id and c.email_id = g.email_id;
  return null;
end
$$;

create trigger children_of_emails after delete on email referencing old table as gone
  for each statement execute function delete_children_of_emails();

-- Most bodies are beyond the size from which PostgreSQL compresses, and pglz takes longer for one than all the rest of its row.
do $$
begin
  alter table email_body alter column body set compression lz4;
exception when feature_not_supported then
  -- A server built without lz4. A volume that compresses, or pglz (set storage extended), saves the space where it matters.
  alter table email_body alter column body set storage external;
end
$$;
