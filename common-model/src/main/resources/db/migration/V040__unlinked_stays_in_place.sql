-- An email that has lost its last mailbox and is not destroyed yet is where it was: readers see what subscribers have been
-- told. So a move never shows as a gap between the report that it left and the one that it arrived.

create or replace view email_view with (security_invoker = true) as
select e.account_id, e.email_id, e.tenant_id, e.thread_id, e.size, e.received_at, e.headers, e.has_attachment, e.preview,
       overlaid(e.keywords, wish.patches, 'keywords') as keywords,
       overlaid(
         case when e.unlinked_pass is null then home.mailbox_ids else e.unlinked_from::text[] end,
         wish.patches, 'mailboxIds') as mailbox_ids,
       not coalesce(wish.destroyed, false) as visible
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
