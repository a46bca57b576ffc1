-- A body that the gateway has fetched on demand. Nothing refers from email_body to email any more (V012), and whoever may only
-- read emails cannot hold one: between looking and inserting it could be destroyed, and its text would stay for ever. So this
-- runs as the owner, past row-level security, for the tenant of the transaction and no other.
-- Held for key share: the writer's updates go on, its delete waits, and its trigger then takes the body along.
create function keep_email_body(account uuid, email uuid, fetched jsonb) returns void
  language plpgsql volatile security definer set search_path = public
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
