-- What api-gateway reads. JSON columns are returned as text: the one codec (EventCodec) decodes them.

-- Applies open mutations, a JSON array of patches in the order of the requests, to one property of an email: the overlay.
-- present: keys that the server reported. property: 'keywords' or 'mailboxIds'. Returns the keys, sorted.
create function overlaid(present text[], patches jsonb, property text) returns text[]
  language plpgsql immutable parallel safe set search_path = pg_catalog, public, pg_temp
as $$
declare
  patch jsonb;
  item record;
begin
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
revoke execute on function overlaid(text[], jsonb, text) from public;
grant execute on function overlaid(text[], jsonb, text) to postbus_gateway;

-- Emails with the overlay. An email that has lost its last mailbox and is not destroyed yet is shown in the mailboxes it was in, as
-- subscribers know it: so a move never appears as a gap between leaving one mailbox and arriving in another.
-- overlaid() is called only for emails with open mutations: a call per row would cost more than the rest of the row.
create view email_view with (security_invoker = true) as
select e.account_id, e.email_id, e.tenant_id, e.thread_id, e.size, e.received_at, e.headers, e.has_attachment, e.preview,
       case when open.patches is null then e.keywords
            else overlaid(e.keywords, open.patches, 'keywords') end as keywords,
       case when open.patches is null then location.mailbox_ids
            else overlaid(location.mailbox_ids, open.patches, 'mailboxIds') end as mailbox_ids,
       not coalesce(open.destroyed, false) as visible
from email e
left join lateral (
  select case when e.unlinked_pass is null
              then (select coalesce(array_agg(distinct l.mailbox_id::text), '{}')
                    from email_mailbox l where l.account_id = e.account_id and l.email_id = e.email_id)
              else e.unlinked_from::text[] end as mailbox_ids
) location on true
left join lateral (
  select jsonb_agg(p.patch order by p.mutation_id) as patches, bool_or(p.kind = 'destroy') as destroyed
  from pending_changes p
  where p.account_id = e.account_id and p.email_id = e.email_id and p.state in ('queued', 'sending', 'applied')
) open on true;
grant select on email_view to postbus_gateway;

create view email_text_view with (security_invoker = true) as
select account_id, email_id, tenant_id, thread_id, size, received_at, headers::text as headers, has_attachment, preview,
       keywords, mailbox_ids, visible
from email_view;
grant select on email_text_view to postbus_gateway;

create view email_body_text_view with (security_invoker = true) as
select account_id, email_id, tenant_id, body::text as body from email_body;
grant select on email_body_text_view to postbus_gateway;

create view account_view with (security_invoker = true) as
select a.account_id, a.tenant_id, a.protocol, a.email, a.settings::text as settings, a.status, a.created_at,
       case when a.status = 'paused' then 'paused' else coalesce(s.state, 'initial') end as sync_state,
       s.last_synced_at, s.last_error, s.retry_at, s.push, s.change_seq
from account a
left join account_sync s on s.account_id = a.account_id;
grant select on account_view to postbus_gateway;

create view mutation_view with (security_invoker = true) as
select account_id, mutation_id, tenant_id, email_id, mailbox_id, kind, patch::text as patch, state, attempts, next_try_at,
       error, created_at, updated_at
from pending_changes;
grant select on mutation_view to postbus_gateway;

-- Without the message.
create view submission_view with (security_invoker = true) as
select account_id, submission_id, tenant_id, message_id, subject, size, mail_from, recipients, refused::text as refused,
       parent_id, parent_keyword, state, copy, attempts, send_at, next_try_at, error, sent_at, created_at, updated_at
from submission;
grant select on submission_view to postbus_gateway;
