"""Stand-ins for the images that the course's compose files name, ``registry:2`` and ``nginx:1.25``, and for others.

Of Debian's programs, registry 2.8, nginx 1.22 and Caddy 2.6, and of Traefik's own 3.7, with the places, the
configuration and the start command of the official images, and busybox for a shell. The label ``lab.stand-in`` says so.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.clients.engines import Docker
from tests.clients.install import TOOLS
from tests.clients.trees import Tree
from tests.tools import require

_APPLETS = "cat chmod chown env grep head id kill ls mkdir mv netstat ps rm sh sleep stat tail uname wget"
_SHELL = {f"usr/bin/{applet}": "busybox" for applet in _APPLETS.split()}

_REGISTRY_CONFIG = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""

_NGINX_CONFIG = """\
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /var/run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
"""

_TRAEFIK_ENTRYPOINT = """\
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
    set -- traefik "$@"
fi
exec "$@"
"""
"""Options alone are Traefik's."""

_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnginx:x:101:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def import_stand_ins(docker: Docker) -> None:
    """Give the daemon both images, in the place of any other of that name."""
    import_registry(docker)
    import_nginx(docker)


def import_registry(docker: Docker) -> None:
    """``registry:2``."""
    tools = require("busybox", "trixie/docker-registry")
    files = {"usr/bin/busybox": tools["busybox"], "usr/bin/registry": tools["trixie/docker-registry"]}
    texts = {**_ACCOUNTS, "etc/docker/registry/config.yml": _REGISTRY_CONFIG}
    changes = {
        "LABEL": 'lab.stand-in="docker-registry 2.8 of Debian"',
        "VOLUME": "/var/lib/registry",
        "EXPOSE": "5000",
        # Not through a shell: busybox's drops variables with a dash in their name, the course has one.
        "ENTRYPOINT": '["/bin/registry"]',
        "CMD": '["serve", "/etc/docker/registry/config.yml"]',
    }
    _import(docker, "registry:2", Tree(files, _SHELL, texts, ("tmp", "var/lib/registry")), changes)


def import_nginx(docker: Docker) -> None:
    """``nginx:1.25``."""
    tools = require("busybox", "bookworm/nginx")
    files = {
        "usr/bin/busybox": tools["busybox"],
        "usr/sbin/nginx": tools["bookworm/nginx"],
        "etc/nginx/mime.types": TOOLS / "bookworm/etc/nginx/mime.types",
    }
    links = {**_SHELL, "var/log/nginx/access.log": "/dev/stdout", "var/log/nginx/error.log": "/dev/stderr"}
    texts = {**_ACCOUNTS, "etc/nginx/nginx.conf": _NGINX_CONFIG}
    changes = {
        "LABEL": 'lab.stand-in="nginx 1.22 of Debian"',
        "EXPOSE": "80",
        "CMD": '["/usr/sbin/nginx", "-g", "daemon off;"]',
    }
    _import(
        docker,
        "nginx:1.25",
        Tree(files, links, texts, ("tmp", "etc/nginx/conf.d", "var/lib/nginx", "var/run")),
        changes,
    )


def import_caddy(docker: Docker) -> None:
    """``caddy:2``."""
    tools = require("busybox", "bookworm/caddy")
    files = {"usr/bin/busybox": tools["busybox"], "usr/bin/caddy": tools["bookworm/caddy"]}
    changes = {
        "LABEL": 'lab.stand-in="Caddy 2.6 of Debian"',
        "ENV": "XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data",
        "EXPOSE": "80 443 2019",
        "WORKDIR": "/srv",
        "CMD": '["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]',
    }
    _import(docker, "caddy:2", Tree(files, _SHELL, _ACCOUNTS, ("tmp", "srv", "config", "data", "etc/caddy")), changes)


def import_traefik(docker: Docker) -> None:
    """``traefik:v3``."""
    tools = require("busybox", "traefik")
    files = {"usr/bin/busybox": tools["busybox"], "usr/local/bin/traefik": tools["traefik"]}
    changes = {
        "LABEL": 'lab.stand-in="Traefik 3.7"',
        "EXPOSE": "80",
        "ENTRYPOINT": '["/bin/sh", "/entrypoint.sh"]',
        "CMD": '["traefik"]',
    }
    texts = {**_ACCOUNTS, "entrypoint.sh": _TRAEFIK_ENTRYPOINT}
    _import(docker, "traefik:v3", Tree(files, _SHELL, texts, ("tmp", "etc/traefik")), changes)


def _import(docker: Docker, name: str, tree: Tree, changes: Mapping[str, str]) -> None:
    """Make one image."""
    options = [word for key, value in changes.items() for word in ("--change", f"{key} {value}")]
    archive: Path = tree.write(docker.fresh("image.tar"))
    docker.run("docker", "import", *options, archive, name)
    archive.unlink()
