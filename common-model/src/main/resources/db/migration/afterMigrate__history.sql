-- Flyway's own table, when Flyway has finished: postbus_owner owns it too. While migrations run it is in use by another connection.
do $$
begin
  if (select relowner from pg_class where oid = 'flyway_schema_history'::regclass) <> 'postbus_owner'::regrole then
    alter table flyway_schema_history owner to postbus_owner;
  end if;
end
$$;
