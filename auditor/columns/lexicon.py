"""
The words of columns' names, by what they say.

Names from the frameworks' own tables (Django, Rails, Laravel, Spring, Auth.js, Supabase) and from common practice.
"""

from __future__ import annotations

from auditor.model import Severity


def _set(text: str) -> frozenset[str]:
    """Split words."""
    return frozenset(text.split())


#: Words that are written as one, and abbreviations.
COMPOUNDS: dict[str, tuple[str, ...]] = {
    "apikey": ("api", "key"),
    "apitoken": ("api", "token"),
    "apisecret": ("api", "secret"),
    "appsecret": ("app", "secret"),
    "clientsecret": ("client", "secret"),
    "accesstoken": ("access", "token"),
    "refreshtoken": ("refresh", "token"),
    "authtoken": ("auth", "token"),
    "authkey": ("auth", "key"),
    "sessionid": ("session", "id"),
    "sessid": ("session", "id"),
    "jsessionid": ("session", "id"),
    "phpsessid": ("session", "id"),
    "sid": ("sid",),
    "sessiontoken": ("session", "token"),
    "sessionkey": ("session", "key"),
    "csrftoken": ("csrf", "token"),
    "privatekey": ("private", "key"),
    "publickey": ("public", "key"),
    "secretkey": ("secret", "key"),
    "accesskey": ("access", "key"),
    "passwd": ("password",),
    "passwort": ("password",),
    "pwd": ("password",),
    "pw": ("password",),
    "userpass": ("user", "password"),
    "tok": ("token",),
    "tkn": ("token",),
    "creds": ("credential",),
    "cred": ("credential",),
    "xsrf": ("csrf",),
    "rememberme": ("remember",),
    "webhooksecret": ("webhook", "secret"),
    "connstr": ("connection", "string"),
    "conn": ("connection",),
    "db": ("database",),
    "auths": ("auth",),
    "tokenhash": ("token", "hash"),
    "passwordhash": ("password", "hash"),
    "userid": ("user", "id"),
    "actkey": ("activation", "key"),
}
UNCHANGED = _set(
    "access address status alias class redis kubernetes dns aws tls ssl has was yes gps sms kms pass bonus canvas series"
)
#: Words at the end of a name that leave its meaning to the word before.
TRAILING = _set(
    "value val raw plain plaintext cleartext clear text str string current old new previous prev temp tmp temporary v1 v2"
    " v3 column field data 1 2 3 primary secondary live production prod backup b64 base64 hex unhashed unencrypted"
)
#: Words at its beginning that do so, too.
LEADING = _set("plain plaintext cleartext raw current old new previous temp temporary")
#: A name that begins so asks or counts.
ASKING = _set("is has can should needs required requires allowed enabled max min total num number count avg sum last4 uses")
#: A name that ends so tells something about what the words before it name.
ABOUT = _set(
    "type kind count total num at on date time timestamp ts ttl expiry expires expired expiration expire exp age day hour"
    " minute second ms name label title description desc note comment status state enabled disabled required active valid"
    " verified flag len length size byte hint question last4 four prefix suffix mask masked redacted preview algorithm algo"
    " alg method mode format version policy provider source issuer audience scope role usage limit quota used remaining"
    " budget cost price usd path file filename location endpoint host reference arn manager store owner user email by locale"
    " lang language index rank order attempt failure retry reason strength rotation interval level position duration region"
    " country class category group max min ratio percent symbol contract decimal supply ticker created updated changed"
    " revoked rotated until since after before field template pattern created_at needed exists present set sent setting"
    " config configuration form page view screen input placeholder text_key"
)
#: What a token is turned into so that it can be stored.
DIGESTS = _set(
    "hash hashed digest sha sha1 sha224 sha256 sha384 sha512 md5 hmac crc crc32 crc32c crc64 checksum etag fingerprint"
    " thumbprint signature sig integrity bcrypt argon2 argon2id scrypt pbkdf2 xxhash blake2 blake2b blake3 murmur murmur3"
    " adler32 sri cksum"
)
#: The keys of digests and ciphertexts are none themselves.
SIGNING = _set("signing hmac signature mac")
SIGNING_HEADS = _set("secret key token")
CIPHERING = _set("encryption decryption")
CIPHERS = _set(
    "encrypted enc cipher ciphertext crypt encrypt sealed wrapped kms vault fernet aes gcm pgp jwe box envelope opaque iv ct"
)
#: Meant to be seen by everyone.
PUBLIC = _set(
    "public publishable pub publish anon anonymous site vapid_public client_id ecdsa_public certificate cert pem spki x509 jwks"
)
#: What makes something a token by itself.
TOKENS = _set(
    "token secret sid cookie bearer jwt credential authorization psk session ticket passkey verifier sso saml assertion remember"
)
PASSWORDS = _set("password passphrase passcode pass mnemonic")
#: What a phrase is that stands for a key.
PHRASE_OF = _set("seed recovery pass secret mnemonic backup wallet")
WEAK = _set(
    "key value auth data payload body content nonce csrf invite invitation referral val hash_key text material pat salt pepper"
)
#: Names that say nothing without their table.
VAGUE = _set(
    "key value token val secret data raw id hash payload body content code string text pat credential session opaque blob"
)
SECRETS = _set("token secret password passphrase passcode credential session sid cookie bearer jwt otp totp apikey pass")
#: What a key opens.
KEY_OF = _set(
    "api secret private access auth authentication session signing signature encryption encrypt encrypted decryption master"
    " service webhook account admin root shared hmac app application integration deploy recovery bot ingest ingestion write"
    " read partner server crypto activation jwt unseal emergency remember confirm confirmation reset verification"
    " unlock subscription_key worker agent tenant data wallet rpc stream preshared streaming send sending smtp sms"
    " storage_account node device provisioning"
)
#: What a seed grows into, if it is a secret.
SEED_OF = _set("otp totp hotp mfa 2fa wallet key secret master auth authenticator hd")
KEYS = _set("key material")
SESSIONS = _set("session sess")
CODES = _set("code pin otp totp mfa cvv cvc 2fa tan")
CODE_OF = _set(
    "reset verification verify recovery backup emergency scratch otp mfa totp 2fa sms login magic confirmation confirm auth"
    " authorization authentication activation access pairing device unlock security secret password pin email phone one time"
    " challenge step"
)
#: Tables whose codes open something; and those where an authorization is a bank's word.
CODE_TABLES = _set(
    "reset verification recovery backup otp mfa totp 2fa magic confirmation authorization authentication auth activation"
    " pairing unlock login"
)
PAYMENTS = _set("payment charge transaction card order settlement terminal refund capture invoice sale booking")
MAYBE_CODES = _set("invite invitation referral gift voucher coupon promo")
LINKS = _set("link url uri href")
LINK_OF = _set(
    "magic reset login signin verify verification confirm confirmation activation activate invite invitation unlock"
    " password signed presigned download"
)
CONNECTIONS = _set("connection database dsn jdbc postgres mongo mongodb redis amqp broker smtp sql proxy")
CONNECTION_HEADS = _set("connection dsn url uri string jdbc")
#: What names a thing: an id, or a key of a map, cache, store.
IDENTIFIES = _set(
    "id ids uuid guid pk ulid rid number no sku slug handle cursor commit revision rev tree ref trace span request"
    " correlation idempotency partition primary foreign sort object cache routing translation i18n message s3 dedupe dedup"
    " deduplication lock config feature flag natural business row shard map metric label external issue jira project hash"
    " registry code_key event topic queue bucket file image asset media attachment storage blob thumbnail avatar document"
    " upload path locale lookup item unique surrogate alternate composite index node_key group template menu setting"
    " permission column field property attribute tag kafka order invoice receipt transaction payment tracking serial stock"
    " product resource entity record job task parent child account_number context plan rule layout widget theme page ui"
    " component content l10n string_key grouping aggregation experiment variant"
)
#: Tokens that only say where to go on, or that something is the same.
PLACES = _set(
    "page paging pagination continuation cursor next_page sync resume idempotency idempotence idempotent trace correlation"
    " tracking etag dedupe dedup deduplication lex push fcm apn expo lookahead concurrency"
)
SURROGATES = _set("token id key")
SURROGATE_OF = _set("device payment card pan stripe source vaulted tokenized mint nft address coin erc20 installation")
#: Sessions that nobody logs in by.
OTHER_SESSIONS = _set(
    "checkout analytic analytics chat game training therapy class conference course stripe tracking visit voice call"
    " meeting workout ga debug play batch stream upload support"
)
#: Columns that stand beside a token: how long it lives, whose it is, where it was used.
LIFE = _set(
    "expires expiry expire expired expiration revoked used consumed redeemed scope ttl last4 prefix rotated agent ip issued"
    " invalidated lifetime activity seen"
)
#: What an attacker gets, the first that fits.
KINDS: tuple[tuple[str, Severity, frozenset[str]], ...] = (
    ("CSRF token", Severity.LOW, _set("csrf")),
    ("nonce", Severity.LOW, _set("nonce challenge")),
    ("password reset", Severity.MEDIUM, _set("reset forgot forgotten")),
    ("one-time code seed", Severity.HIGH, _set("seed totp mnemonic")),
    ("one-time code", Severity.LOW, _set("otp pin mfa 2fa sms cvv cvc tan")),
    ("magic link", Severity.MEDIUM, _set("magic login signin")),
    ("confirmation", Severity.MEDIUM, _set("confirmation confirm verification verify activation activate unlock")),
    ("invitation", Severity.MEDIUM, _set("invite invitation referral unsubscribe")),
    ("recovery", Severity.MEDIUM, _set("recovery backup emergency scratch unseal")),
    ("session", Severity.HIGH, _set("session sess sid cookie remember sso")),
    ("refresh token", Severity.HIGH, _set("refresh")),
    ("password", Severity.HIGH, _set("password passphrase passcode pass")),
    ("webhook secret", Severity.HIGH, _set("webhook")),
    ("API key", Severity.HIGH, _set("api apikey pat")),
    ("private key", Severity.HIGH, _set("preshared private signing encryption decryption master hmac psk")),
    ("access token", Severity.HIGH, _set("access bearer jwt authorization auth oauth")),
    ("secret", Severity.HIGH, _set("secret credential")),
    ("connection", Severity.HIGH, _set("connection dsn database jdbc")),
    ("token", Severity.MEDIUM, _set("token key")),
)
