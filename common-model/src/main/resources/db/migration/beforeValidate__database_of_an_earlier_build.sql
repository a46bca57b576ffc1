-- Flyway runs this before it compares the database with the migrations. Builds before the first release had other migrations, which start
-- with V001__tenancy.sql; their databases cannot be migrated to these.
do $$
declare
  earlier boolean := false;
begin
  if to_regclass('flyway_schema_history') is not null then
    execute 'select exists (select from flyway_schema_history where script = ''V001__tenancy.sql'')' into earlier;
  end if;
  if earlier then
    raise exception '%', 'this database was created by a build of Postbus before its first release, and this build cannot read it. '
      'Start with a new data directory or a new, empty database: accounts have to be added again, and their mail is read from the '
      'servers again. Nothing has been changed or deleted here.';
  end if;
end
$$;
