"""Entity tags."""

from pyregistry.api.conditions import entity_tag, is_unchanged
from pyregistry.spec.digest import Digest


def test_entity_tags_are_compared_as_clients_write_them() -> None:
    """Quoted, weak, several, bare, or any."""
    digest, other = Digest.of(b"a"), Digest.of(b"b")
    for header in (
        entity_tag(digest),
        f"W/{entity_tag(digest)}",
        f"{entity_tag(other)}, {entity_tag(digest)}",
        str(digest),
        "*",
    ):
        assert is_unchanged({"if-none-match": header}, digest)
    assert not is_unchanged({"if-none-match": entity_tag(other)}, digest)
    assert not is_unchanged({}, digest)
