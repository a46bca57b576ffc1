-- How a wish ended is a change like others, though no mail server reported it: outbound-service logs what was refused or
-- given up, the gateway what was discarded, each in the transaction in which it happens. The account's row is locked first, as the
-- writer does, so the sequence has no gap and nobody waits for anybody in a circle.
-- data is the event without its seq.
create function append_changes(account uuid, types text[], objects uuid[], data text[]) returns void
  language plpgsql volatile security definer set search_path = public
as $$
declare
  first bigint;
begin
  update account_sync s set change_seq = s.change_seq + cardinality(types)
  where s.account_id = account and s.tenant_id = current_tenant()
  returning s.change_seq - cardinality(types) + 1 into first;
  if first is null then
    raise exception 'account % has no row in account_sync', account;
  end if;
  insert into change_log (account_id, tenant_id, seq, type, object_id, data)
  select account, current_tenant(), first + n.place - 1, n.type, n.object_id,
         jsonb_set(n.data::jsonb, '{seq}', to_jsonb(first + n.place - 1))::text
  from unnest(types, objects, data) with ordinality n(type, object_id, data, place);
  insert into change_outbox (account_id, tenant_id, first_seq, last_seq)
  values (account, current_tenant(), first, first + cardinality(types) - 1);
end
$$;

revoke execute on function append_changes(uuid, text[], uuid[], text[]) from public;
grant execute on function append_changes(uuid, text[], uuid[], text[]) to postbus_outbound, postbus_gateway;
grant execute on function lock_account_sync(uuid) to postbus_outbound;
