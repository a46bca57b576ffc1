-- What the gateway's entities are mapped on: JSON as text, for it is decoded by the one codec and nowhere else.

create view account_view with (security_invoker = true) as
select a.account_id, a.tenant_id, a.protocol, a.email, a.settings::text as settings, a.status, a.created_at,
       case when a.status = 'paused' then 'paused' else coalesce(s.state, 'initial') end as sync_state,
       s.last_synced_at, s.last_error, s.retry_at, s.push, s.change_seq
from account a
left join account_sync s on s.account_id = a.account_id;

create view email_text_view with (security_invoker = true) as
select account_id, email_id, tenant_id, thread_id, size, received_at, headers::text as headers, has_attachment, preview,
       keywords, mailbox_ids, visible
from email_view;

create view email_body_text_view with (security_invoker = true) as
select account_id, email_id, tenant_id, body::text as body from email_body;

create view mutation_view with (security_invoker = true) as
select account_id, mutation_id, tenant_id, email_id, kind, patch::text as patch, state, attempts, next_try_at, error,
       created_at, updated_at
from pending_changes;

grant select on account_view, email_text_view, email_body_text_view, mutation_view to postbus_gateway;
