"""Where things lie: registry:2's layout, both ways.

    docker/registry/v2/
      blobs/<algorithm>/<first two hex>/<hex>/data                      bytes of a blob or a manifest
      repositories/<repository>/
        _layers/<algorithm>/<hex>/link                                  this repository holds that blob
        _manifests/
          revisions/<algorithm>/<hex>/link                              this repository holds that manifest
          tags/<tag>/
            current/link                                                where the tag points
            index/<algorithm>/<hex>/link                                where it points or once did
        _uploads/<uuid>/
          data                                                          the bytes received so far
          startedat                                                     RFC 3339, UTC

A ``link`` holds a digest as text, without a newline. Pure: names in, keys out. Names must have been parsed before.
"""

from pyregistry.spec.digest import Digest

ROOT = "docker/registry/v2"
REPOSITORIES = f"{ROOT}/repositories"
LAYERS = "_layers"
MANIFESTS = "_manifests"
UPLOADS = "_uploads"


def content(digest: Digest) -> str:
    """The folder of a blob or a manifest."""
    return f"{ROOT}/blobs/{digest.algorithm}/{digest.encoded[:2]}/{digest.encoded}"


def blob_data(digest: Digest) -> str:
    """Content, shared by all repositories."""
    return f"{content(digest)}/data"


def repository(name: str) -> str:
    """Everything of a repository, and of those below it: ``a`` is above ``a/b``."""
    return f"{REPOSITORIES}/{name}"


def layer_link(name: str, digest: Digest) -> str:
    """What makes a blob the repository's own."""
    return f"{repository(name)}/{LAYERS}/{digest.algorithm}/{digest.encoded}/link"


def manifests(name: str) -> str:
    """All revisions and tags."""
    return f"{repository(name)}/{MANIFESTS}"


def revisions(name: str) -> str:
    """All manifests of the repository, ``<algorithm>/<hex>/link`` each."""
    return f"{manifests(name)}/revisions"


def revision_link(name: str, digest: Digest) -> str:
    """What makes a manifest the repository's own."""
    return f"{revisions(name)}/{digest.algorithm}/{digest.encoded}/link"


def tags(name: str) -> str:
    """All tags, a folder each."""
    return f"{manifests(name)}/tags"


def tag(name: str, tag_name: str) -> str:
    """A tag with its history."""
    return f"{tags(name)}/{tag_name}"


def tag_current_link(name: str, tag_name: str) -> str:
    """Where the tag points."""
    return f"{tag(name, tag_name)}/current/link"


def tag_index_link(name: str, tag_name: str, digest: Digest) -> str:
    """One entry of the tag's history."""
    return f"{tag(name, tag_name)}/index/{digest.algorithm}/{digest.encoded}/link"


def uploads(name: str) -> str:
    """All upload sessions, a folder each."""
    return f"{repository(name)}/{UPLOADS}"


def upload(name: str, uuid: str) -> str:
    """An upload session."""
    return f"{uploads(name)}/{uuid}"


def upload_data(name: str, uuid: str) -> str:
    """The bytes received so far; the session exists as long as they do."""
    return f"{upload(name, uuid)}/data"


def upload_started_at(name: str, uuid: str) -> str:
    """When the session began; what registry:2's purge goes by."""
    return f"{upload(name, uuid)}/startedat"
