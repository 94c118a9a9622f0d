"""How another program's words are told: what of them, and how much."""

import pytest

from checker.checks.telling import SAID_MAX, complaint, cut

EMERG = 'nginx: [emerg] unknown directive "foo" in /etc/nginx/conf.d/registry.conf:3'
NOTICE = "2026/11/24 03:00:00 [notice] 1#1: start worker process 29"
ACCESS = '172.18.0.1 - ada [24/Nov/2026:03:00:00 +0000] "GET /v2/ HTTP/1.1" 401 179 "-" "docker/28.5" "-"'
CONFIGURATION = "configuration error: error parsing /etc/docker/registry/config.yml: yaml: line 3"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((EMERG,), EMERG),
        ((EMERG, NOTICE, ACCESS), EMERG),
        ((ACCESS, CONFIGURATION, "Usage:", "  registry serve <config> [flags]"), CONFIGURATION),
        (("starting", 'time="2026" level=info msg="listening on [::]:5000"'), "starting"),
        (('time="2026" level=fatal msg="listen tcp: address in use"', NOTICE), None),
        (('{"level":"error","msg":"loading certs"}', '{"level":"info","msg":"bye"}'), None),
        (("2026 ERR Error while building TLS", "2026 INF Stopping"), None),
        ((NOTICE, ACCESS), "-"),
        (('{"level":"info","msg":"handled request"}', '{"request":{"method":"GET"},"status":500,"error":"x"}'), "-"),
        (("killed", ""), "killed"),
        ((), "-"),
    ],
)
def test_last_words_are_an_error(said: tuple[str, ...], told: str | None) -> None:
    """The last one; neither what is printed of requests nor what is only remarked on. None: the first line."""
    assert complaint(said) == (said[0] if told is None else told)


def test_words_are_cut_behind_a_word() -> None:
    """And that something is left out is told; what fits stays as it is, on one line."""
    assert cut("No such\n  file") == "No such file"
    assert cut("") == "-"
    assert cut("a" * SAID_MAX) == "a" * SAID_MAX
    long = cut("word " * 50)
    assert long == "word " * 40 + "…"
    assert cut("a" * 300) == "a" * SAID_MAX + " …"


def test_what_nobody_sees_is_shown() -> None:
    """A byte order mark in nginx's words is why it does not know a directive."""
    assert cut('unknown directive "\ufeffserver"') == 'unknown directive "<U+FEFF>server"'
