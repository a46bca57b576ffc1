-- Threads that turn out to be one: an email that names message ids of both may come after them. All go over to the older thread; a
-- reference that still says the younger is led on from here.
create table thread_alias (
  account_id  uuid not null references account on delete cascade,
  thread_id   uuid not null,
  joined_into uuid not null,            -- a thread that itself was never joined into another
  tenant_id   uuid not null,
  primary key (account_id, thread_id)
);
alter table thread_alias enable row level security;
create policy tenant on thread_alias using (tenant_id = current_tenant());
grant select, insert, update, delete on thread_alias to postbus_writer;

-- The emails of a thread. Threads' ids rise with time, so new entries come to the end of it.
create index email_thread on email (account_id, thread_id);
