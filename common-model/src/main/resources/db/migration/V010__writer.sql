-- What writer-service must remember between two batches.

-- The mailboxes an email lay in when it lost the last one: what the world still believes. With them a move is one
-- email.updated, however many transactions lie between leaving one mailbox and turning up in another.
alter table email add column unlinked_from uuid[];

-- A message that turns up is looked for among the emails without a mailbox by its fingerprint.
create index email_fingerprint on email (account_id, size, received_at) where unlinked_pass is not null;

-- IMAP keeps flags per message and mailbox; an email that lies twice may have two opinions. Null: the email's keywords.
alter table email_mailbox add column keywords text[];

-- The state and error that subscribers were last told, and what the pass that is under way has changed so far.
alter table account_sync
  add column announced_state text not null default 'initial',
  add column announced_error text,
  add column pass_created bigint not null default 0,
  add column pass_updated bigint not null default 0,
  add column pass_destroyed bigint not null default 0;

-- A record that cannot be decoded names its account (the Kafka key), but not the tenant. Returns an id only.
create function tenant_of_account(account uuid) returns uuid
  language sql stable security definer set search_path = public
  return (select a.tenant_id from account a where a.account_id = account);

revoke execute on function tenant_of_account(uuid) from public;
grant execute on function tenant_of_account(uuid) to postbus_writer;

-- lastval(): a row that names no tenant cannot be returned under row-level security.
grant select on sequence quarantine_quarantine_id_seq to postbus_writer;
