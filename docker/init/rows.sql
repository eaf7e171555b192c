-- A JWT that is made up on the spot, its signature random: once in a column of its own, and once in a text, as a log would have it.
WITH parts (number, raw) AS (
  VALUES (1, '{"alg":"HS256","typ":"JWT"}'::BYTEA),
         (2, '{"iss":"shop","sub":"ada"}'::BYTEA),
         (3, decode(replace(gen_random_uuid()::TEXT || gen_random_uuid()::TEXT, '-', ''), 'hex'))
),
made AS (
  INSERT INTO shop.public.sessions (user_name, token)
  SELECT 'ada', string_agg(rtrim(translate(encode(raw, 'base64'), '+/', '-_'), '='), '.' ORDER BY number) FROM parts
  RETURNING token
)
INSERT INTO shop.public.error_logs (message)
SELECT 'GET /orders: 500, headers were Authorization: Bearer ' || token FROM made;
