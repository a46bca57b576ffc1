-- Row-level security, what each role may do, the few look-ups that must cross tenants, and the views that readers use.

do $$
declare
  name text;
begin
  foreach name in array array[
    'tenant', 'api_key', 'account', 'account_tombstone', 'credential', 'account_sync', 'sync_state', 'mailbox', 'email',
    'email_mailbox', 'thread_reference', 'email_body', 'attachment', 'pending_changes', 'change_log', 'sync_log',
    'quarantine', 'webhook', 'webhook_delivery'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant on %I using (tenant_id = current_tenant())', name);
  end loop;
end
$$;

-- A record that does not tell its tenant must still be kept.
create policy unknown_tenant on quarantine for insert with check (tenant_id is null or tenant_id = current_tenant());

-- fetcher-service: reads, and claims an account.
grant select on account, credential, account_sync, sync_state, mailbox, email, email_mailbox, pending_changes
  to postbus_fetcher;
grant update (fence, applied_seq, full_pass_wanted) on account_sync to postbus_fetcher;

-- writer-service: the only writer of mail tables.
grant select, insert, update, delete on sync_state, mailbox, email, email_mailbox, thread_reference, email_body,
  attachment, change_log, sync_log to postbus_writer;
grant select, update on account_sync, pending_changes to postbus_writer;
grant select on account to postbus_writer;
grant select, insert on quarantine to postbus_writer;

-- outbound-service: carries wishes out and wakes the account's fetcher.
grant select on account, credential, mailbox, email, email_mailbox to postbus_outbound;
grant select, update on pending_changes to postbus_outbound;
grant update (wake, published_wake, published_revision) on account to postbus_outbound;

-- api-gateway: owns accounts, keys and webhooks, reads the rest, and takes in wishes.
grant select, insert, update, delete on account, credential, api_key, webhook, webhook_delivery, account_tombstone
  to postbus_gateway;
grant select, insert on account_sync to postbus_gateway;
grant select, insert, update, delete on pending_changes to postbus_gateway;
grant select on tenant, sync_state, mailbox, email, email_mailbox, email_body, attachment, change_log, sync_log,
  quarantine to postbus_gateway;
grant insert, update on email_body to postbus_gateway;

-- Look-ups from before the tenant is known. They return ids only and run as the owner, past row-level security.
create function tenant_of_api_key(hash bytea) returns uuid
  language sql stable security definer set search_path = public
  return (select tenant_id from api_key where key_hash = hash and revoked_at is null);

create function unpublished_accounts(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
as $$
  select a.tenant_id, a.account_id from account a
  where a.published_revision < a.revision or a.published_wake < a.wake
  union all
  select t.tenant_id, t.account_id from account_tombstone t
  limit most;
$$;

create function accounts_with_unpublished_changes(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
as $$
  select distinct c.tenant_id, c.account_id from change_log c where c.published_at is null limit most;
$$;

create function accounts_with_due_mutations(most int) returns table (tenant_id uuid, account_id uuid)
  language sql stable security definer set search_path = public
as $$
  select distinct p.tenant_id, p.account_id from pending_changes p
  where (p.state = 'queued' and p.next_try_at <= now())
     or (p.state = 'sending' and p.claimed_until < now())
  limit most;
$$;

revoke execute on function tenant_of_api_key(bytea), unpublished_accounts(int),
  accounts_with_unpublished_changes(int), accounts_with_due_mutations(int) from public;
grant execute on function tenant_of_api_key(bytea), unpublished_accounts(int) to postbus_gateway;
grant execute on function accounts_with_unpublished_changes(int) to postbus_writer;
grant execute on function accounts_with_due_mutations(int) to postbus_outbound;

-- What readers see: the server's word, with the wishes that are still open laid over it in the order they were made.
-- Both functions take the open patches as one JSON array and change nothing when it is null.
create function overlaid(present text[], patches jsonb, property text) returns text[]
  language plpgsql immutable parallel safe
as $$
declare
  patch jsonb;
  item record;
begin
  if patches is null then
    return present;
  end if;
  for patch in select value from jsonb_array_elements(patches) loop
    for item in select key, value from jsonb_each(coalesce(patch -> property, '{}')) loop
      present := array_remove(present, item.key);
      if item.value = 'true'::jsonb then
        present := present || item.key;
      end if;
    end loop;
  end loop;
  return (select coalesce(array_agg(k order by k), '{}') from unnest(present) k);
end
$$;

create view email_view with (security_invoker = true) as
select e.account_id, e.email_id, e.tenant_id, e.thread_id, e.size, e.received_at, e.headers, e.has_attachment, e.preview,
       overlaid(e.keywords, wish.patches, 'keywords') as keywords,
       overlaid(home.mailbox_ids, wish.patches, 'mailboxIds') as mailbox_ids,
       e.unlinked_pass is null and not coalesce(wish.destroyed, false) as visible
from email e
left join lateral (
  select coalesce(array_agg(distinct l.mailbox_id::text), '{}') as mailbox_ids
  from email_mailbox l where l.account_id = e.account_id and l.email_id = e.email_id
) home on true
left join lateral (
  select jsonb_agg(p.patch order by p.mutation_id) as patches, bool_or(p.kind = 'destroy') as destroyed
  from pending_changes p
  where p.account_id = e.account_id and p.email_id = e.email_id and p.state in ('queued', 'sending', 'applied')
) wish on true;

grant select on email_view to postbus_gateway;
