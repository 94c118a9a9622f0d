"""``proxy_pass`` and the services of the compose file."""

from collections.abc import Callable

import pytest

from labs.compose.nginx.mapping import Mapped
from tests.fakes.containers import Container
from tests.unit.labs.compose.nginx.conftest import SITE

MapSite = Callable[[str], str]
MapContainer = Callable[[], Mapped]

HOST = "proxy_set_header Host $http_host; proxy_redirect off;"


def pass_of(map_site: MapSite, passing: str) -> str:
    """What becomes of a statement in a location that sets Host and rewrites no redirects."""
    mapped = map_site(f"server {{ listen 80; {HOST} location /v2/ {{ {passing} }} }}")
    return mapped.split("location /v2/ { ")[1].removesuffix(" } }")


@pytest.mark.parametrize(
    ("typed", "mapped"),
    [
        ("proxy_pass http://registry:5000;", "proxy_pass http://127.0.0.1:15000;"),
        (
            "proxy_pass https://registry:5000/v2/;",
            "proxy_pass https://127.0.0.1:15000/v2/; proxy_ssl_name registry;",
        ),
        ("proxy_pass http://REGISTRY:5000$request_uri;", "proxy_pass http://127.0.0.1:15000$request_uri;"),
        ('proxy_pass "http://registry:5000/x y";', 'proxy_pass "http://127.0.0.1:15000/x y";'),
        ("proxy_pass http://registry:5001;", "proxy_pass http://127.0.0.1:1;"),
        ("proxy_pass http://registry;", "proxy_pass http://127.0.0.1:1;"),
        ("proxy_pass http://localhost:5000;", "proxy_pass http://127.0.0.1:1;"),
        ("proxy_pass http://127.0.0.1:80;", "proxy_pass http://127.0.0.1:8080;"),
        ("proxy_pass http://nginx:80;", "proxy_pass http://127.0.0.1:8080;"),
        ("fastcgi_pass registry:5000;", "fastcgi_pass 127.0.0.1:15000;"),
        ("fastcgi_pass registry;", "fastcgi_pass registry;"),
    ],
)
def test_a_service_is_a_port_of_this_machine(map_site: MapSite, typed: str, mapped: str) -> None:
    """A closed port of a container is a port that nobody holds; localhost is the container itself, not this machine."""
    assert pass_of(map_site, typed) == mapped


@pytest.mark.parametrize(
    ("typed", "mapped"),
    [
        ("set $up registry; proxy_pass http://$up:5000;", "set $up registry; proxy_pass http://127.0.0.1:15000;"),
        (
            "set $up http://registry:5000; proxy_pass $up$request_uri;",
            "set $up http://registry:5000; proxy_pass http://127.0.0.1:15000$request_uri;",
        ),
    ],
)
def test_a_variable_of_one_value_is_spelled_out(map_site: MapSite, typed: str, mapped: str) -> None:
    """The way to let nginx start before the service: with Docker's own name server it is no exotic one."""
    assert pass_of(map_site, f"resolver 127.0.0.11; {typed}") == f"resolver 127.0.0.11; {mapped}"


@pytest.mark.parametrize(
    "passing",
    [
        "proxy_pass $http_x;",
        "proxy_pass http://$up:5000;",
        "set $up a; set $up b; proxy_pass http://$up:5000;",
        "set $up registry; proxy_pass http://$up:5000/v2/;",
        "proxy_pass http://registry$suffix:5000;",
        "proxy_pass http://unix:/run/x.sock:/;",
        "proxy_pass http://172.18.0.2:5000;",
        "resolver 8.8.8.8;",
    ],
)
def test_what_cannot_be_followed_is_named(container: Container, map_container: MapContainer, passing: str) -> None:
    """With its file and line, and as it is written."""
    file = container.write(SITE, f"server {{ location / {{\n{passing}\n}} }}")
    (issue,) = map_container().issues
    assert (issue.file, issue.line) == (file, 2)
    assert issue.text.startswith(passing[passing.rindex("proxy_pass" if "proxy_pass" in passing else "resolver") :])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "server { location / {\nproxy_pass http://registri:5000;\n} }",
            'nginx: [emerg] host not found in upstream "registri" in /etc/nginx/conf.d/registry.conf:2',
        ),
        (
            "upstream backend {\nserver registri:5000;\n}",
            'nginx: [emerg] host not found in upstream "registri:5000" in /etc/nginx/conf.d/registry.conf:2',
        ),
    ],
)
def test_a_name_that_docker_does_not_know(
    container: Container, map_container: MapContainer, text: str, said: str
) -> None:
    """Refused in nginx's words, without asking a name server."""
    file = container.write(SITE, text)
    (issue,) = map_container().issues
    assert str(issue) == f"{file}:2: {said}"


def test_an_upstream_keeps_its_name(map_site: MapSite) -> None:
    """Host header and redirects are the upstream's own; only its servers are moved."""
    assert map_site(
        "upstream registry { server registry:5000 max_fails=3; server registry backup; }\n"
        "server { listen 80; location / { proxy_pass http://registry; } }"
    ).splitlines() == [
        "upstream registry { server 127.0.0.1:15000 max_fails=3; server 127.0.0.1:1 backup; }",
        "server { port_in_redirect off; listen 127.0.0.1:8080; location / { proxy_pass http://registry; } }",
    ]


def test_the_service_is_called_by_its_name_where_the_student_sets_no_host(map_site: MapSite) -> None:
    """A forgotten Host header shows as it does in Docker: Location says ``registry:5000``."""
    mapped = map_site("server { location / { proxy_pass http://registry:5000; proxy_set_header A b; } }")
    assert "proxy_set_header Host registry:5000;" in mapped
    assert mapped.count("proxy_set_header A") == 1


def test_headers_that_were_inherited_stay_inherited(map_site: MapSite) -> None:
    """One header in a location would drop all those of the server around it."""
    mapped = map_site(
        'server { proxy_set_header X-Forwarded-Proto "$scheme"; location / { proxy_pass http://registry:5000; } }'
    )
    assert (
        'proxy_pass http://127.0.0.1:15000; proxy_set_header X-Forwarded-Proto "$scheme";'
        " proxy_set_header Host registry:5000;" in mapped
    )


def test_a_certificate_of_the_service_is_looked_at_by_its_name(map_site: MapSite) -> None:
    """Not by this machine's address; the student's own name goes first."""
    location = "location / { proxy_set_header Host x; proxy_pass https://registry:5000; }"
    assert " proxy_ssl_name registry;" in map_site(f"server {{ {location} }}")
    assert " proxy_ssl_name registry;" not in map_site(f"server {{ proxy_ssl_name other; {location} }}")


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        ("proxy_pass http://registry:5000;", " proxy_redirect http://registry:5000/ /;"),
        ("proxy_pass http://registry:5000/v2/;", " proxy_redirect http://registry:5000/v2/ /api/;"),
        ("proxy_redirect default; proxy_pass http://registry:5000;", " proxy_redirect http://registry:5000/ /;"),
        ("proxy_redirect off; proxy_pass http://registry:5000;", ""),
        ("proxy_redirect / /x/; proxy_pass http://registry:5000;", ""),
        ("proxy_pass http://registry:5000$request_uri;", ""),
    ],
)
def test_redirects_of_the_service_are_rewritten_as_in_the_container(map_site: MapSite, typed: str, added: str) -> None:
    """``proxy_redirect default`` begins with the name that the service was called by."""
    mapped = map_site(f"server {{ location /api/ {{ proxy_set_header Host x; {typed} }} }}")
    assert added in mapped
    assert ("http://registry:5000" in mapped) == bool(added)


def test_nothing_is_added_where_it_may_not_stand(map_site: MapSite) -> None:
    """Inside ``if`` nginx takes no headers."""
    assert "if ($a) { proxy_pass http://127.0.0.1:15000; }" in map_site(
        "server { location / { if ($a) { proxy_pass http://registry:5000; } } }"
    )


@pytest.mark.parametrize("text", ["proxy_pass http://registry:5000;", "location { proxy_pass http://registry:5000/; }"])
def test_statements_in_no_place_of_theirs_are_left_to_nginx(map_site: MapSite, text: str) -> None:
    """It refuses them; we go on."""
    assert "http://127.0.0.1:15000" in map_site(text)
