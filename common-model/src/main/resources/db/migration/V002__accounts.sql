-- Accounts and how Postbus logs in for them.

-- owner: api-gateway. The source of the topic postbus.accounts: a row whose revision is greater than the published one is published
-- again by a periodic job, so a record that was lost is replaced.
create table account (
  account_id         uuid primary key default uuidv7(),
  tenant_id          uuid not null references tenant,
  protocol           text not null check (protocol in ('imap', 'jmap')),
  email              text not null check (length(email) between 1 and 320),
  settings           jsonb not null,    -- AccountSettings
  status             text not null default 'active' check (status in ('active', 'paused')),
  revision           bigint not null default 1,
  published_revision bigint not null default 0,
  created_at         timestamptz not null default now()
);
create index account_tenant on account (tenant_id, account_id);
create index account_unpublished on account (account_id) where published_revision < revision;
alter table account enable row level security;
create policy tenant on account using (tenant_id = current_tenant());
grant select, insert, update, delete on account to postbus_gateway;
grant select on account to postbus_fetcher, postbus_writer, postbus_outbound;

-- owner: api-gateway. The rows of a deleted account go at once; this row stays until the tombstone is on the topic.
create table account_tombstone (
  account_id uuid primary key,
  tenant_id  uuid not null references tenant,
  deleted_at timestamptz not null default now()
);
alter table account_tombstone enable row level security;
create policy tenant on account_tombstone using (tenant_id = current_tenant());
grant select, insert, update, delete on account_tombstone to postbus_gateway;

-- owner: api-gateway. A password, or an OAuth 2.0 access token that the API's client keeps fresh. Encrypted with Tink AEAD and bound
-- to tenant, account and kind: a ciphertext that is copied to another row does not decrypt.
create table credential (
  account_id uuid primary key references account on delete cascade,
  kind       text not null check (kind in ('password', 'access-token')),
  tenant_id  uuid not null,
  ciphertext bytea not null,
  updated_at timestamptz not null default now()
);
alter table credential enable row level security;
create policy tenant on credential using (tenant_id = current_tenant());
grant select, insert, update, delete on credential to postbus_gateway;
grant select on credential to postbus_fetcher, postbus_outbound;

-- Look-ups across tenants. They run as the owner of the schema, past row-level security, and return ids only.

create function unpublished_accounts(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select a.tenant_id, a.account_id from account a
  where a.published_revision < a.revision
  union all
  select t.tenant_id, t.account_id from account_tombstone t
  limit most;
$$;
revoke execute on function unpublished_accounts(int) from public;
grant execute on function unpublished_accounts(int) to postbus_gateway;

-- A record that cannot be decoded names its account (the Kafka key), but not the tenant.
create function tenant_of_account(account uuid) returns uuid
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  return (select a.tenant_id from account a where a.account_id = account);
revoke execute on function tenant_of_account(uuid) from public;
grant execute on function tenant_of_account(uuid) to postbus_writer;
