"""TP-2 done otherwise than the chapter does it, and right: scripts, with the solution's steps at hand.

They are the same on the embedded engine and in Docker. Nothing but scripts lives here.
"""

WITHOUT_PROXY = """
make_passwords
make_certificate
cat >compose.yaml <<'COMPOSE'
services:
  registry:
    image: registry:2
    ports: ["443:5000"]
    environment:
      REGISTRY_HTTP_TLS_CERTIFICATE: /certs/fullchain.pem
      REGISTRY_HTTP_TLS_KEY: /certs/privkey.pem
      REGISTRY_AUTH: htpasswd
      REGISTRY_AUTH_HTPASSWD_REALM: Registry
      REGISTRY_AUTH_HTPASSWD_PATH: /auth/htpasswd
    volumes:
      - ./registry:/var/lib/registry
      - ./certs:/certs:ro
      - ./auth:/auth:ro
COMPOSE
launch
build
push
make_keys
sign
pull_anew
"""
"""The registry speaks TLS and asks for passwords itself."""

RELATIVE_ADDRESSES = """
prepare
publish_at 8443
change compose.yaml 's/^      REGISTRY_HTTP_ADDR: :5000/&\\
      REGISTRY_HTTP_RELATIVEURLS: "true"/'
change nginx/conf.d/registry.conf 's/Host \\$http_host/Host $host/'
launch
publish
"""
"""The registry's relativeurls do what nginx's $http_host does: no port can be lost that is not named."""

ANOTHER_CHAIN = """
make_certificate() {
    labstack cert "$name" --ip 127.0.0.1 --rsa --intermediate
}
solve
"""
"""An RSA key, an intermediate CA and an address among the names."""
