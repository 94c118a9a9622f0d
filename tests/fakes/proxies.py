"""What makes Caddy and Traefik do for a registry what nginx does in the course: TLS, passwords, uploads of any size.

Both keep an access log that names clients and goes to where all else is printed. Nothing leaves the machine.
"""

from dataclasses import dataclass

_CADDYFILE = """\
{{
  admin off
  auto_https disable_redirects
}}
https://{name}:{port} {{
  bind {address}
  tls {certs}/fullchain.pem {certs}/privkey.pem
  log
  basicauth /v2/* bcrypt Registry {{
    {account}
  }}
  reverse_proxy {registry}
}}
"""
_TRAEFIK = """\
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
entryPoints:
  websecure: {{address: "{address}:{port}"}}
providers:
  file: {{filename: {routes}}}
accessLog:
  fields: {{headers: {{names: {{User-Agent: keep}}}}}}
"""
_ROUTES = """\
http:
  routers:
    registry:
      rule: Host(`{name}`) && PathPrefix(`/v2/`)
      entryPoints: [websecure]
      middlewares: [passwords]
      service: registry
      tls: {{}}
  middlewares:
    passwords: {{basicAuth: {{realm: Registry, usersFile: {passwords}}}}}
  services:
    registry: {{loadBalancer: {{servers: [{{url: "http://{registry}"}}]}}}}
tls:
  certificates: [{{certFile: {certs}/fullchain.pem, keyFile: {certs}/privkey.pem}}]
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's place.

    Attributes:
        name: Under which clients call it.
        address: Where it listens.
        registry: ``host:port`` of the registry behind it.
        certs: Folder of ``fullchain.pem`` and ``privkey.pem``.
        passwords: The htpasswd file.
    """

    name: str
    address: str
    port: int
    registry: str
    certs: str
    passwords: str

    def caddyfile(self, entry: str) -> str:
        """``Caddyfile``. Caddy reads no htpasswd: an ``entry`` of the file stands in it."""
        user, _, kept = entry.strip().partition(":")
        return _CADDYFILE.format(**self._places(), account=f"{user} {kept}")

    def traefik(self, routes: str) -> str:
        """``traefik.yaml``, which has the file ``routes`` tell the rest."""
        return _TRAEFIK.format(**self._places(), routes=routes)

    def routes(self) -> str:
        """That file."""
        return _ROUTES.format(**self._places())

    def _places(self) -> dict[str, str | int]:
        return {name: getattr(self, name) for name in self.__slots__}
