set lock_timeout = '2s';

-- An account whose mail server exceeds the limits of what it may send rests for hours, also after a restart of the fetcher.

alter table account_sync
  add column limits_exceeded_times    integer not null default 0,  -- in a row, without a completed pass between
  add column limits_exceeded_revision bigint not null default 0;   -- of the account when it happened
