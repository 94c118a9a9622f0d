"""The files of a configuration, found as nginx finds them in the container."""

from collections.abc import Callable

import pytest

from labs.compose.nginx.mapping import Mapped, written
from labs.compose.nginx.tree import Reader, absolute, in_force, walk
from tests.fakes.containers import Container
from tests.unit.labs.compose.nginx.conftest import MAIN

MapContainer = Callable[[], Mapped]


def names(container: Container) -> list[str]:
    """Container paths of what is read, in order."""
    reader = Reader(container.place)
    reader.main(MAIN)
    return [str(source.inside) for source in reader.sources]


def test_a_pattern_finds_mounted_files_beside_the_containers_own(container: Container) -> None:
    """One file mounted into a folder of the image, one mounted over one of its files; hidden files are not found."""
    container.mounts.clear()
    container.write("/etc/nginx/conf.d/default.conf", "a;")
    container.write("/etc/nginx/conf.d/.swap.conf", "a;")
    container.write("/etc/nginx/conf.d/notes.txt", "a;")
    container.mount("one.conf", "/etc/nginx/conf.d/registry.conf").write_text("b;", encoding="utf-8")
    container.mount("two.conf", "/etc/nginx/conf.d/default.conf").write_text("c;", encoding="utf-8")
    container.write(str(MAIN), "http { include /etc/nginx/conf.d/*.conf; }")
    reader = Reader(container.place)
    reader.main(MAIN)
    assert [(str(source.inside), source.text) for source in reader.sources[1:]] == [
        ("/etc/nginx/conf.d/default.conf", "c;"),
        ("/etc/nginx/conf.d/registry.conf", "b;"),
    ]


def test_a_pattern_may_stand_for_folders(container: Container) -> None:
    """Sorted by folder, then by name."""
    for name in ("b/1.conf", "a/2.conf", "a/1.conf"):
        container.write(f"/etc/nginx/sites/{name}", "x;")
    container.write(str(MAIN), "include sites/*/?.conf; include sites/none-*;")
    assert names(container)[1:] == [f"/etc/nginx/sites/{name}" for name in ("a/1.conf", "a/2.conf", "b/1.conf")]


def test_a_relative_path_begins_at_the_images_prefix() -> None:
    """Not at the file that names it."""
    assert str(absolute("certs/../x.pem")) == "/etc/nginx/x.pem"
    assert str(absolute("/var/x")) == "/var/x"


def test_a_missing_file_is_said_as_nginx_says_it(container: Container, map_container: MapContainer) -> None:
    """With the line of the include."""
    main = container.write(str(MAIN), "events { }\ninclude snippets/tls.conf;\n")
    (issue,) = map_container().issues
    assert str(issue) == (
        f'{main}:2: nginx: [emerg] open() "/etc/nginx/snippets/tls.conf" failed (2: No such file or directory)'
        " in /etc/nginx/nginx.conf:2"
    )


def test_a_folder_is_no_file(container: Container, map_container: MapContainer) -> None:
    """Docker makes a folder of a file that is to be mounted and is not there."""
    container.place.path("/etc/nginx/conf.d").mkdir(parents=True)
    container.write(str(MAIN), "include conf.d;\n")
    (issue,) = map_container().issues
    assert issue.text.startswith('nginx: [emerg] read() "/etc/nginx/conf.d" failed (21: Is a directory)')


def test_files_in_a_ring_end(container: Container, map_container: MapContainer) -> None:
    """They would be read until no descriptor is left, which is what nginx then says."""
    container.write(str(MAIN), "include nginx.conf;\n")
    (issue,) = map_container().issues
    assert "(24: Too many open files)" in issue.text


def test_a_file_that_is_read_twice_is_mapped_twice(container: Container, map_container: MapContainer) -> None:
    """What it means depends on where it stands: below one server a header is missing that another has."""
    container.write("/etc/nginx/conf.d/a.conf", "include pass;\n")
    container.write("/etc/nginx/pass", "location / { proxy_pass http://registry:5000; }\n")
    container.write(str(MAIN), "http { server { proxy_set_header Host x; include pass; } server { include pass; } }\n")
    mapped = map_container()
    texts = [written(container.place, source).read_text(encoding="utf-8") for source in mapped.sources[1:]]
    assert ["proxy_set_header Host registry:5000;" in text for text in texts] == [False, True]
    assert [str(source.inside) for source in mapped.sources[1:]] == ["/etc/nginx/pass"] * 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x 1; a { b { y; } }", ["1"]),
        ("x 1; a { x 2; b { y; } }", ["2"]),
        ("x 1; a { x 2; b { x 3; x 4; y; } }", ["3", "4"]),
        ("a { b { y; } }", []),
    ],
)
def test_the_nearest_block_decides(container: Container, text: str, wanted: list[str]) -> None:
    """What a block says of a thing replaces all that is said further out."""
    container.write(str(MAIN), text)
    main = Reader(container.place).main(MAIN)
    (blocks,) = (blocks for statement, blocks in walk(main.statements) if statement.name == "y")
    assert [statement.values[0] for statement in in_force("x", main, blocks)] == wanted


def test_tables_are_not_entered(container: Container) -> None:
    """A key of a map that is called ``root`` is no directive."""
    container.write(str(MAIN), "map $a $b { root /x; } types { listen 80; }")
    main = Reader(container.place).main(MAIN)
    assert [statement.name for statement, _ in walk(main.statements)] == ["map", "types"]
