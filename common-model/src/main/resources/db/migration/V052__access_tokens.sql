-- An account logs in with a password or with an OAuth 2.0 access token that whoever obtained it keeps fresh: one of them.
alter table credential
  drop constraint credential_kind_check,
  drop constraint credential_pkey,
  add constraint credential_kind_check check (kind in ('password', 'access-token')),
  add primary key (account_id);
