-- Messages that a server lists and does not hand out, or that cannot be read: put aside, so that their mailbox goes on.
-- owner: writer-service. A row goes when the message has gone, was renumbered, or could be read after all.

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
