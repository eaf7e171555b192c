SET CLUSTER SETTING kv.rangefeed.enabled = true;

CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.public.sessions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_name STRING NOT NULL,
  token STRING NOT NULL
);
CREATE TABLE IF NOT EXISTS shop.public.error_logs (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  message STRING NOT NULL
);

-- All that the auditor needs, for a feed without a sink.
CREATE USER IF NOT EXISTS auditor;
GRANT SELECT ON TABLE shop.public.sessions TO auditor;
GRANT SYSTEM VIEWCLUSTERSETTING TO auditor;
