from auditor.sources.webhook.headers import passed_on, scanned

GO = [
    (b"host", b"h:1"),
    (b"user-agent", b"Go-http-client/1.1"),
    (b"content-length", b"2"),
    (b"content-type", b"application/json"),
]


def test_what_every_request_says_is_not_scanned():
    """The headers that Go's client sets by itself hold nothing of anybody's."""
    assert scanned([*GO, (b"accept-encoding", b"gzip"), (b"connection", b"keep-alive")], b"") == []


def test_extra_headers_and_cookies_are_scanned_but_not_our_own_credential():
    """Whatever somebody configured is handed over, and also an unusual value of a usual header."""
    given = [*GO, (b"cookie", b"a=1"), (b"x-extra", b"\xff"), (b"authorization", b"Bearer a"), (b"user-agent", b"other")]
    assert scanned(given, b"") == [("cookie", b"a=1"), ("x-extra", b"\xff"), ("user-agent", b"other")]


def test_the_query_is_scanned_as_a_header():
    """A query can hold a token like anything else."""
    assert scanned([], b"a=1&b=2") == [(":query", b"a=1&b=2")]


def test_headers_of_the_connection_are_not_passed_on():
    """The endpoint behind gets what was said end to end, the credential included."""
    own = [(b"authorization", b"Basic a"), (b"content-encoding", b"gzip"), (b"x-extra", b"1")]
    hop = [(b"connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"te", b"trailers"), (b"transfer-encoding", b"chunked")]
    assert passed_on([*own, *hop, (b"accept-encoding", b"gzip"), (b"host", b"h")]) == own
