-- Mail as the server reported it, and nothing else. What users have requested is in pending_changes.
-- owner of all tables: writer-service.
--
-- The tables of emails have no foreign keys. A foreign key is checked, and its parent row locked, for each row: that was a quarter of the
-- cost of storing mail (ADR 6). Instead the writer inserts parents first, holding the lock of the account's account_sync row, and the
-- triggers of V008 delete the rows that belong to a deleted email or account.

create table mailbox (
  account_id    uuid not null references account on delete cascade,
  mailbox_id    uuid not null default uuidv7(),
  tenant_id     uuid not null,
  server_key    text not null,          -- MailboxKey: id:... or name:...
  raw_name      text,                   -- IMAP only, as the server sent it
  name          text not null,
  parent_id     uuid,
  path          text not null,
  role          text,
  sort_order    bigint not null default 0,
  is_subscribed boolean not null default true,
  selectable    boolean not null default true,
  total_emails  bigint not null default 0,
  unread_emails bigint not null default 0,
  primary key (account_id, mailbox_id),
  -- Deferrable: one batch may swap the names of two mailboxes.
  unique (account_id, server_key) deferrable initially immediate
);
alter table mailbox enable row level security;
create policy tenant on mailbox using (tenant_id = current_tenant());
grant select, insert, update, delete on mailbox to postbus_writer;
grant select on mailbox to postbus_fetcher, postbus_outbound, postbus_gateway;

create table email (
  account_id      uuid not null,
  email_id        uuid not null default uuidv7(),
  tenant_id       uuid not null,
  identity        text,                 -- EmailIdentity: the server's own id of the email, the same in every mailbox
  thread_id       uuid not null,
  blob_id         text,
  header_hash     text,
  message_id      text,                 -- the first one
  size            bigint not null,
  received_at     timestamptz not null,
  keywords        text[] not null default '{}',  -- sorted
  headers         jsonb not null,       -- EmailHeaders
  subject         text,
  has_attachment  boolean not null,
  preview         text not null,
  -- account_sync.passes_finished when the email lost its last mailbox. It is destroyed a whole pass later.
  unlinked_pass   bigint,
  -- The mailboxes that it was in then: what subscribers know. With them a move is one email.updated, even if leaving one mailbox and
  -- arriving in another are reported in different transactions.
  unlinked_from   uuid[],
  primary key (account_id, email_id)
);
create unique index email_identity on email (account_id, identity) where identity is not null;
create index email_received on email (account_id, received_at desc, email_id desc);
-- Thread ids rise with time, so new entries are added at the end of an account's range.
create index email_thread on email (account_id, thread_id);
create index email_unlinked on email (account_id, unlinked_pass) where unlinked_pass is not null;
-- Move detection: a message that arrives is compared with the emails that have no mailbox.
create index email_fingerprint on email (account_id, size, received_at) where unlinked_pass is not null;
alter table email enable row level security;
create policy tenant on email using (tenant_id = current_tenant());
grant select, insert, update, delete on email to postbus_writer;
grant select on email to postbus_fetcher, postbus_outbound, postbus_gateway;

-- The locations of an email. For JMAP uid and uidvalidity are 0. uid is part of the key because one email may be in a mailbox twice
-- (RFC 8474: EMAILID identifies the content).
create table email_mailbox (
  account_id  uuid not null,
  mailbox_id  uuid not null,
  uid         bigint not null default 0,
  email_id    uuid not null,
  tenant_id   uuid not null,
  uidvalidity bigint not null default 0,
  modseq      bigint,
  received_at timestamptz not null,     -- the email's, so that one index lists a mailbox
  keywords    text[],                   -- IMAP: the flags of this location. null: the same as the email's keywords
  primary key (account_id, mailbox_id, uid, email_id)
);
create index email_mailbox_email on email_mailbox (account_id, email_id);
create index email_mailbox_newest on email_mailbox (account_id, mailbox_id, received_at desc, email_id desc);
alter table email_mailbox enable row level security;
create policy tenant on email_mailbox using (tenant_id = current_tenant());
grant select, insert, update, delete on email_mailbox to postbus_writer;
grant select on email_mailbox to postbus_fetcher, postbus_outbound, postbus_gateway;

-- json, not jsonb: bodies are never queried in SQL, and json is stored as it came.
create table email_body (
  account_id uuid not null,
  email_id   uuid not null,
  tenant_id  uuid not null,
  body       json not null,             -- EmailBody
  primary key (account_id, email_id)
);
-- Most bodies are above the size from which PostgreSQL compresses, and pglz takes longer for a body than all other work on its row.
do $$
begin
  alter table email_body alter column body set compression lz4;
exception when feature_not_supported then
  -- A server that was built without lz4. Where space matters: a file system that compresses, or pglz (set storage extended).
  alter table email_body alter column body set storage external;
end
$$;
alter table email_body enable row level security;
create policy tenant on email_body using (tenant_id = current_tenant());
grant select, insert, update, delete on email_body to postbus_writer;
grant select, insert, update on email_body to postbus_gateway;

create table attachment (
  account_id  uuid not null,
  email_id    uuid not null,
  part_id     text not null,
  tenant_id   uuid not null,
  blob_id     text,
  name        text,
  type        text not null,
  size        bigint not null,
  disposition text,
  cid         text,
  primary key (account_id, email_id, part_id)
);
alter table attachment enable row level security;
create policy tenant on attachment using (tenant_id = current_tenant());
grant select, insert, update, delete on attachment to postbus_writer;
grant select on attachment to postbus_gateway;

-- The thread that a message id, or a server's thread id, belongs to.
create table thread_reference (
  account_id uuid not null,
  reference  text not null,
  thread_id  uuid not null,
  tenant_id  uuid not null,
  primary key (account_id, reference)
);
alter table thread_reference enable row level security;
create policy tenant on thread_reference using (tenant_id = current_tenant());
grant select, insert, update, delete on thread_reference to postbus_writer;

-- Threads that were joined (ADR 8): an email that names message ids of two threads may arrive after both exist. All emails go to the older
-- thread; references that still name the younger one are resolved here.
create table thread_alias (
  account_id  uuid not null references account on delete cascade,
  thread_id   uuid not null,
  joined_into uuid not null,            -- a thread that was never joined into another one itself
  tenant_id   uuid not null,
  primary key (account_id, thread_id)
);
alter table thread_alias enable row level security;
create policy tenant on thread_alias using (tenant_id = current_tenant());
grant select, insert, update, delete on thread_alias to postbus_writer;

-- Messages that a server lists but does not return, or that cannot be parsed: their mailbox is synced without them. A row is deleted when
-- the message is gone, when UIDVALIDITY changes, or when the message could be read after all.
create table quarantined_message (
  account_id    uuid not null references account on delete cascade,
  quarantine_id uuid not null default uuidv7(),
  tenant_id     uuid not null,
  mailbox_id    uuid not null,
  uidvalidity   bigint not null,
  uid           bigint not null,
  reason        text not null,
  at            timestamptz not null default now(),
  primary key (account_id, quarantine_id),
  unique (account_id, mailbox_id, uidvalidity, uid),
  foreign key (account_id, mailbox_id) references mailbox on delete cascade
);
alter table quarantined_message enable row level security;
create policy tenant on quarantined_message using (tenant_id = current_tenant());
grant select, insert, update, delete on quarantined_message to postbus_writer;
grant select on quarantined_message to postbus_fetcher, postbus_gateway;

-- Stores a body that the gateway has fetched on demand. email_body has no foreign key to email, so the email is locked: without that it
-- could be destroyed between the check and the insert, and its text would stay for ever. The gateway may only read emails, hence a
-- function that runs as the owner of the schema, for the transaction's tenant only.
-- FOR KEY SHARE lets the writer's updates pass; its delete waits, and the trigger then deletes the body too.
create function keep_email_body(account uuid, email uuid, fetched jsonb) returns void
  language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  owner uuid;
begin
  select e.tenant_id into owner from email e
  where e.account_id = account and e.email_id = email and e.tenant_id = current_tenant()
  for key share;
  if owner is not null then
    insert into email_body (account_id, email_id, tenant_id, body) values (account, email, owner, fetched)
    on conflict do nothing;
  end if;
end
$$;
revoke execute on function keep_email_body(uuid, uuid, jsonb) from public;
grant execute on function keep_email_body(uuid, uuid, jsonb) to postbus_gateway;
