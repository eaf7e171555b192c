"""Password hashes and strings of key derivation functions. Each says what it is, but for a few."""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

_C = "[./0-9A-Za-z]"  # the alphabet of crypt(3)
_B = "[A-Za-z0-9+/]"
#: The same 64 characters of crypt(3), as hex in BYTES.
_C_BYTES = "(?:2[ef]|3[0-9]|[46][1-9a-f]|[57][0-9a])"
_BCRYPT = rf"\$2[abxy]\$[0-9]{{2}}\${_C}{{53}}"
_ARGON2 = (
    r"\$argon2(?:id|i|d)(?:\$v=[0-9]{1,3})?\$m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,3}"
    rf"(?:,keyid={_B}{{1,11}})?(?:,data={_B}{{1,43}})?\${_B}{{11,86}}\${_B}{{16,86}}"
)
_SCRYPT_PHC = r"\$scrypt\$ln=[0-9]{1,2},r=[0-9]{1,3},p=[0-9]{1,3}\$[A-Za-z0-9+/.]{11,86}\$[A-Za-z0-9+/.]{22,86}"


def _of(name: str, title: str, source: str, *begins: str, lengths: tuple[int, ...] = ()) -> Shape:
    return Shape(name, Kind.PASSWORD_HASH, title, source, begins=begins, lengths=frozenset(lengths))


PASSWORD_HASHES = (
    _of(
        "bcrypt",
        "bcrypt, also as Django, passlib and CockroachDB store it, as text or as BYTES",
        rf"{_BCRYPT}|CRDB-BCRYPT\$[23]a\$[0-9]{{2}}\${_C}{{53}}|bcrypt(?:_sha256)?\${_BCRYPT}|\$wp{_BCRYPT}"
        rf"|\$bcrypt-sha256\$(?:v=2,t=2b,r=[0-9]{{1,2}}|2[ab],[0-9]{{1,2}})\${_C}{{22}}\${_C}{{31}}"
        rf"|\\x(?:435244422d424352595054)?243[23](?:61|62|78|79)24(?:3[0-9]){{2}}24{_C_BYTES}{{53}}",
        "$2", "CRDB-BCRYPT$", "bcrypt", "$bcrypt", "$wp$2", "\\x243", "\\x4352",
    ),
    _of("argon2", "Argon2 (PHC string), also as Django stores it", rf"(?:argon2)?{_ARGON2}", "$argon2", "argon2$"),
    _of(
        "scrypt",
        "scrypt (PHC, passlib, crypt, Django, Werkzeug)",
        rf"{_SCRYPT_PHC}|\$7\${_C}{{11,60}}\${_C}{{43}}"
        rf"|scrypt\$[0-9]{{1,8}}\$[0-9A-Za-z]{{8,64}}\$[0-9]{{1,3}}\$[0-9]{{1,3}}\${_B}{{86}}=="
        r"|scrypt:[0-9]{1,8}:[0-9]{1,3}:[0-9]{1,3}\$[0-9A-Za-z]{8,64}\$[0-9a-f]{128}",
        "$scrypt$", "$7$", "scrypt$", "scrypt:",
    ),
    _of(
        "pbkdf2",
        "PBKDF2 (Django, Werkzeug, passlib, PHC, GRUB, Atlassian, LDAP)",
        rf"pbkdf2_sha(?:1\$[0-9]{{1,9}}\$[0-9A-Za-z]{{8,64}}\${_B}{{27}}=|256\$[0-9]{{1,9}}\$[0-9A-Za-z]{{8,64}}\${_B}{{43}}=)"
        r"|pbkdf2:sha(?:1:[0-9]{1,9}\$[0-9A-Za-z]{8,64}\$[0-9a-f]{40}|256:[0-9]{1,9}\$[0-9A-Za-z]{8,64}\$[0-9a-f]{64}"
        r"|512:[0-9]{1,9}\$[0-9A-Za-z]{8,64}\$[0-9a-f]{128})"
        rf"|\$pbkdf2\$[0-9]{{1,9}}\${_C}{{0,86}}\${_C}{{27}}|\$pbkdf2-sha256\$[0-9]{{1,9}}\${_C}{{0,86}}\${_C}{{43}}"
        rf"|\$pbkdf2-sha512\$[0-9]{{1,9}}\${_C}{{0,86}}\${_C}{{86}}"
        rf"|\$pbkdf2-sha(?:1|256|512)\$i=[0-9]{{1,9}}(?:,l=[0-9]{{1,3}})?\${_B}{{11,86}}\${_B}{{22,86}}"
        r"|grub\.pbkdf2\.sha512\.[0-9]{1,9}\.[0-9A-F]{16,256}\.[0-9A-F]{128}"
        rf"|\{{PKCS5S2\}}{_B}{{64}}|\{{PBKDF2(?:-SHA(?:1|256|512))?\}}[0-9]{{1,9}}\$[A-Za-z0-9./+=]{{8,88}}\$[A-Za-z0-9./+=]{{22,88}}",
        "pbkdf2", "$pbkdf2", "grub.pbkdf2.", "{PKCS5S2}", "{PBKDF2",
    ),
    _of("sha512-crypt", "SHA-512 crypt", rf"\$6\$(?:rounds=[0-9]{{1,9}}\$)?[^$:\n]{{0,16}}\${_C}{{86}}", "$6$"),
    _of("sha256-crypt", "SHA-256 crypt", rf"\$5\$(?:rounds=[0-9]{{1,9}}\$)?[^$:\n]{{0,16}}\${_C}{{43}}", "$5$"),
    _of("md5-crypt", "MD5 crypt, also Apache's", rf"\$(?:1|apr1)\$[^$:\n]{{0,8}}\${_C}{{22}}", "$1$", "$apr1$"),
    _of("sha1-crypt", "SHA-1 crypt", rf"\$sha1\$[0-9]{{1,10}}\${_C}{{0,64}}\${_C}{{28}}", "$sha1$"),
    _of("yescrypt", "yescrypt and gost-yescrypt", rf"\$g?y\${_C}{{1,12}}\${_C}{{0,86}}\${_C}{{43}}", "$y$", "$gy$"),
    _of("des-crypt", "DES crypt: 13 characters that say nothing of themselves", rf"{_C}{{13}}", lengths=(13,)),
    _of("bsdi-crypt", "BSDi's extended DES crypt", f"_{_C}{{19}}", "_"),
    _of("phpass", "phpass (WordPress, phpBB) and Drupal 7", rf"\$[PH]\${_C}{{31}}|\$S\${_C}{{52}}", "$P$", "$H$", "$S$"),
    _of(
        "salted-digest",
        "algorithm$salt$digest, as old Django and Werkzeug store it",
        r"md5\$[0-9A-Za-z]{0,64}\$[0-9a-f]{32}|sha1\$[0-9A-Za-z]{0,64}\$[0-9a-f]{40}|sha256\$[0-9A-Za-z]{0,64}\$[0-9a-f]{64}"
        r"|sha512\$[0-9A-Za-z]{0,64}\$[0-9a-f]{128}",
        "md5$", "sha1$", "sha256$", "sha512$",
    ),
    _of("unusable-password", "Django's mark of an account without a password", "!(?:[0-9A-Za-z]{40})?", "!"),
    _of(
        "ldap-hash",
        "LDAP's {SSHA} and its like",
        rf"\{{(?:SSHA|SHA|SMD5|MD5|SSHA256|SHA256|SSHA384|SHA384|SSHA512|SHA512)\}}{_B}{{22,172}}={{0,2}}"
        rf"|\{{CRYPT\}}(?:{_C}{{13}}|\$[0-9a-z]{{1,4}}\$[!-~]{{20,120}})",
        "{S", "{MD5}", "{CRYPT}",
    ),
    _of(
        "mysql-password",
        "MySQL's PASSWORD() and caching_sha2_password",
        rf"\*[0-9A-F]{{40}}|\$A\$[0-9]{{3}}\$[^\n]{{20}}{_C}{{43}}",
        "*", "$A$",
    ),
    _of("mssql-password", "SQL Server's pwdencrypt()", "0x0100[0-9A-Fa-f]{48}|0x0200[0-9A-Fa-f]{136}", "0x0100", "0x0200"),
    _of("oracle-password", "Oracle's verifiers", "S:[0-9A-F]{60}(?:;T:[0-9A-F]{160})?|T:[0-9A-F]{160}", "S:", "T:"),
    _of(
        "scram",
        "SCRAM verifiers (CockroachDB, PostgreSQL) and passlib's",
        rf"SCRAM-SHA-(?:1|256|512)\$[0-9]{{1,9}}:{_B}{{4,88}}={{0,2}}\${_B}{{27,86}}={{0,2}}:{_B}{{27,86}}={{0,2}}"
        r"|\$scram\$[0-9]{1,9}\$[A-Za-z0-9./]{4,86}\$[a-z0-9-]{4,16}=[A-Za-z0-9./]{22,86}(?:,[a-z0-9-]{4,16}=[A-Za-z0-9./]{22,86}){0,4}",
        "SCRAM-SHA-", "$scram$",
    ),
    _of("postgres-md5", "PostgreSQL's md5 password", "md5[0-9a-f]{32}", "md5"),
    _of(
        "aspnet-identity",
        "ASP.NET Identity's hashes",
        f"AQAAAA{_B}{{75}}[AQgw]==|A[A-P]{_B}{{63}}[AQgw]==",
        "A",
        lengths=(68, 84),
    ),
    _of(
        "spring-password",
        "Spring Security's {id} and hash ({noop} is none)",
        rf"\{{bcrypt\}}{_BCRYPT}|\{{argon2(?:@[0-9A-Za-z_]{{1,40}})?\}}{_ARGON2}"
        r"|\{(?:pbkdf2|scrypt)(?:@[0-9A-Za-z_]{1,40})?\}(?:\$[0-9a-f]{4,10}\$)?[0-9A-Za-z+/=$]{48,200}"
        r"|\{(?:sha256|SHA-256)\}(?:\{[^}\n]{1,90}\})?[0-9a-f]{64,80}",
        "{bcrypt}", "{argon2", "{pbkdf2", "{scrypt", "{sha256}", "{SHA-256}",
    ),
)  # fmt: skip
#: Those of crypt(3) and the hash of Apache's htpasswd.
CRYPT = ("sha512-crypt", "sha256-crypt", "md5-crypt", "sha1-crypt", "yescrypt", "des-crypt", "bsdi-crypt")
