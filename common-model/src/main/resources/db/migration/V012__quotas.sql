set lock_timeout = '2s';

-- Quotas of tenants, and one account for each mailbox.

-- owner: api-gateway. A tenant's own limits; without a row the gateway's setting (POSTBUS_QUOTA_*) applies. Operators write it through the
-- gateway, in transactions of the tenant.
create table tenant_quota (
  tenant_id  uuid not null references tenant on delete cascade,
  name       text not null check (length(name) between 1 and 50),  -- Quota
  value      bigint not null check (value between 0 and 1000000000000000),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
alter table tenant_quota enable row level security;
create policy tenant on tenant_quota using (tenant_id = current_tenant());
grant select, insert, update, delete on tenant_quota to postbus_gateway;

-- owner: api-gateway. How much is stored for a tenant, when it was measured last. Measured in the background, so it lags.
create table tenant_storage (
  tenant_id   uuid primary key references tenant on delete cascade,
  bytes       bigint not null check (bytes >= 0),
  measured_at timestamptz not null
);
alter table tenant_storage enable row level security;
create policy tenant on tenant_storage using (tenant_id = current_tenant());
grant select, insert, update, delete on tenant_storage to postbus_gateway;

-- What the gateway measures, one account per statement. Sizes as stored: nothing is decompressed, no large value is read.
create function stored_bytes_of(account uuid) returns bigint
  language sql stable parallel safe set search_path = pg_catalog, public, pg_temp
as $$
  select coalesce((select sum(200 + pg_column_size(headers) + pg_column_size(preview)) from email where account_id = account), 0)
       + coalesce((select sum(100 + pg_column_size(body)) from email_body where account_id = account), 0)
       + coalesce((select sum(200 + pg_column_size(message)) from submission
                   where account_id = account and message is not null), 0)
       + coalesce((select sum(100 + pg_column_size(data)) from change_log where account_id = account), 0)
$$;
revoke execute on function stored_bytes_of(uuid) from public;
grant execute on function stored_bytes_of(uuid) to postbus_gateway;

-- The rows that a quota counts, by tenant. What is confirmed, rejected or without a message does not count.
create index pending_changes_tenant on pending_changes (tenant_id)
  where state in ('queued', 'sending', 'applied', 'failed', 'in-doubt');
create index submission_tenant on submission (tenant_id) include (size) where message is not null;

-- A mailbox on a server: protocol, server and user name in one spelling, as the gateway's MailboxIdentity writes it. A tenant has one account
-- for it, unless it asked for another one: that account is a duplicate and outside of the index.
alter table account add column mailbox_identity text;
alter table account add column duplicate boolean not null default false;
update account set mailbox_identity =
  protocol || '://'
  || case protocol
       when 'imap' then rtrim(lower(settings #>> '{imap,host}'), '.')
         || coalesce(':' || nullif(nullif(settings #>> '{imap,port}', '143'), '993'), '')
       else regexp_replace(regexp_replace(lower(substring(settings ->> 'sessionUrl' from '^[^:]*://([^/?#]+)')),
                                          ':(80|443)$', ''), '[.]$', '')
     end
  || '/' || lower(settings ->> 'username')
  || coalesce('#' || (settings ->> 'accountId'), '');
update account a set duplicate = true
where exists (select from account b where b.tenant_id = a.tenant_id and b.mailbox_identity = a.mailbox_identity
                                      and b.account_id < a.account_id);
create unique index account_mailbox on account (tenant_id, mailbox_identity) where not duplicate;
