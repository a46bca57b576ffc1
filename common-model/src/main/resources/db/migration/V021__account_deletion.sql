-- A writer locks account_sync first and then, for its rows' foreign keys, account. Who deletes an account goes the other way;
-- it therefore waits for the writer before it begins. The gateway may not write account_sync, hence a function.
create function lock_account_sync(account uuid) returns void
  language sql volatile security definer set search_path = public
as $$
  select from account_sync s where s.account_id = account and s.tenant_id = current_tenant() for update;
$$;

revoke execute on function lock_account_sync(uuid) from public;
grant execute on function lock_account_sync(uuid) to postbus_gateway;
