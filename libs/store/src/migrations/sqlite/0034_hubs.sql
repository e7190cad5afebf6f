-- The other hubs that a feed names, in the order in which they are tried (JSON list of addresses).
ALTER TABLE websub_subscriptions ADD COLUMN others TEXT NOT NULL DEFAULT '[]';
