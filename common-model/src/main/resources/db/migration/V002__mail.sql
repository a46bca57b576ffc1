-- owner: writer-service. What the mail server said, and nothing else.

create table mailbox (
  account_id    uuid not null references account on delete cascade,
  mailbox_id    uuid not null default uuidv7(),
  tenant_id     uuid not null,
  server_key    text not null,          -- MailboxKey: id:… or name:…
  raw_name      text,                   -- IMAP, as the server sent it
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
  -- A parent and its child may be swapped by one batch.
  unique (account_id, server_key) deferrable initially immediate
);

create table email (
  account_id      uuid not null references account on delete cascade,
  email_id        uuid not null default uuidv7(),
  tenant_id       uuid not null,
  identity        text,                 -- ObservedEmail.identity: what the server calls it wherever it lies
  thread_id       uuid not null,
  blob_id         text,
  header_hash     text,
  message_id      text,                 -- the first one; half of the fingerprint
  size            bigint not null,
  received_at     timestamptz not null,
  keywords        text[] not null default '{}',  -- sorted
  headers         jsonb not null,       -- EmailHeaders
  subject         text,
  has_attachment  boolean not null,
  preview         text not null,
  unlinked_pass   bigint,               -- account_sync.pass when it lost its last mailbox; destroyed a whole pass later
  primary key (account_id, email_id)
);
create unique index email_identity on email (account_id, identity) where identity is not null;
create index email_unlinked on email (account_id, unlinked_pass) where unlinked_pass is not null;
create index email_message_id on email (account_id, message_id) where message_id is not null;
create index email_received on email (account_id, received_at desc, email_id desc);

-- Where an email lies. uid and uidvalidity are 0 for JMAP. One email may lie twice in a mailbox (RFC 8474: EMAILID is
-- the content's), hence the uid in the key.
create table email_mailbox (
  account_id  uuid not null,
  mailbox_id  uuid not null,
  uid         bigint not null default 0,
  email_id    uuid not null,
  tenant_id   uuid not null,
  uidvalidity bigint not null default 0,
  modseq      bigint,
  received_at timestamptz not null,     -- the email's, so that a mailbox is listed from one index
  primary key (account_id, mailbox_id, uid, email_id),
  foreign key (account_id, mailbox_id) references mailbox on delete cascade,
  foreign key (account_id, email_id) references email on delete cascade
);
create index email_mailbox_email on email_mailbox (account_id, email_id);
create index email_mailbox_newest on email_mailbox (account_id, mailbox_id, received_at desc, email_id desc);

-- Which thread a message id or a server's thread id belongs to.
create table thread_reference (
  account_id uuid not null references account on delete cascade,
  reference  text not null,
  thread_id  uuid not null,
  tenant_id  uuid not null,
  primary key (account_id, reference)
);

create table email_body (
  account_id uuid not null,
  email_id   uuid not null,
  tenant_id  uuid not null,
  body       jsonb not null,            -- EmailBody
  primary key (account_id, email_id),
  foreign key (account_id, email_id) references email on delete cascade
);

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
  primary key (account_id, email_id, part_id),
  foreign key (account_id, email_id) references email on delete cascade
);
