set lock_timeout = '2s';

-- Who owns what, and what each role may do. The ownership itself, forced row-level security and the revocations from PUBLIC are in
-- afterEachMigrate__ownership.sql, because they hold for later migrations too.
--
-- What this protects against: a service that executes foreign SQL. It cannot become superuser or owner, create or change objects, read
-- tables that it has no grant for, or see rows without naming a tenant. It can name any tenant: which tenant a transaction is for is known
-- to the services only, so they are trusted with it.

-- All statements of the writer find their rows by key. With these settings PostgreSQL plans them with the index even where a table was empty
-- when the plan was made, and an ORDER BY decides which index is used. Settings of the role and not of a connection: a pooler such as
-- PgBouncer refuses connections that bring settings.
alter role postbus_writer set plan_cache_mode = 'force_generic_plan';
alter role postbus_writer set enable_seqscan = off;
alter role postbus_writer set enable_hashjoin = off;
alter role postbus_writer set enable_mergejoin = off;
alter role postbus_writer set enable_sort = off;
alter role postbus_writer set jit = off;

-- Tables that SECURITY DEFINER functions read past the transaction's tenant, and what they do there. Each function returns ids, counts or
-- times only. All other tables show these functions the rows of the transaction's tenant.
create policy lookup on api_key for select to postbus_owner using (true);            -- authenticate (V011)
create policy lookup on account for select to postbus_owner using (true);            -- unpublished_accounts, tenant_of_account, accounts_with_due_*
create policy lookup on account_tombstone for select to postbus_owner using (true);  -- unpublished_accounts
create policy lookup on account_sync for select to postbus_owner using (true);       -- delete_old_changes
create policy lookup on change_outbox for select to postbus_owner using (true);      -- accounts_with_unpublished_changes, delete_old_changes
create policy lookup on change_log for select to postbus_owner using (true);         -- delete_old_changes
create policy lookup on pending_changes for select to postbus_owner using (true);    -- accounts_with_due_mutations, queue_states
create policy lookup on submission for select to postbus_owner using (true);         -- accounts_with_due_submissions, queue_states

create policy retention on change_log for delete to postbus_owner using (true);       -- delete_old_changes
create policy retention on pending_changes for delete to postbus_owner using (true);  -- delete_ended_mutations
create policy retention on submission for delete to postbus_owner using (true);       -- delete_ended_submissions
-- FOR UPDATE needs the right to update. No row passes the check, so nothing can be changed.
create policy retention_lock on pending_changes for update to postbus_owner using (true) with check (false);
create policy retention_lock on submission for update to postbus_owner using (true) with check (false);

-- Grants that no statement of the service needs.
revoke select on account from postbus_writer;
revoke update, delete on email_body from postbus_writer;
revoke update, delete on attachment from postbus_writer;
revoke update, delete on thread_reference from postbus_writer;
revoke delete on thread_alias from postbus_writer;
revoke update on sync_log from postbus_writer;
revoke select on quarantine from postbus_writer;
revoke update, delete on change_log from postbus_writer;

-- Keys are found by authenticate (V011); before that by tenant_of_api_key.
revoke all on tenant, api_key from postbus_gateway;
revoke all on webhook, webhook_delivery from postbus_gateway;
revoke update on account_tombstone from postbus_gateway;
revoke delete on credential from postbus_gateway;
revoke select on sync_state, quarantine, attachment from postbus_gateway;
-- Bodies are stored by keep_email_body.
revoke insert, update on email_body from postbus_gateway;
