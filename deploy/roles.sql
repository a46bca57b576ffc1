-- The roles' passwords and the first API key, which migrations cannot contain. psql runs this after the migrations, possibly repeatedly;
-- the variables come from its command line.
alter role postbus_fetcher password :'fetcher';
alter role postbus_writer password :'writer';
alter role postbus_outbound password :'outbound';
alter role postbus_gateway password :'gateway';

insert into tenant(name) select 'default' where not exists (select from tenant where name = 'default');
insert into api_key(key_hash, tenant_id, name)
select sha256(convert_to(:'api_key', 'UTF8')), tenant_id, 'first' from tenant where name = 'default'
on conflict do nothing;
