"""Words of real programs in real containers, shortened: what nginx and Caddy read, and what registry:2 prints."""

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
user  nginx;
events { worker_connections  1024; }
http {
    include       /etc/nginx/mime.types;
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for; {}"';
    access_log  /var/log/nginx/access.log  main;
    include /etc/nginx/conf.d/*.conf;
}

# configuration file /etc/nginx/mime.types:

types {
    text/html                                        html htm shtml;
}

# configuration file /etc/nginx/conf.d/registry.conf:
server {
  listen 443 ssl;
  server_name registry.example.com;
  ssl_certificate     /etc/nginx/certs/fullchain.pem;
  ssl_certificate_key certs/privkey.pem;  # relative to nginx.conf's folder
  client_max_body_size 0;

  location /v2/ {
    auth_basic "Registry";
    auth_basic_user_file "/etc/nginx/auth/htpasswd";
    proxy_pass http://registry:5000;
  }
}
server {
  listen 80;
  return 301 https://$host$request_uri;
}
"""

ADAPTED = """\
{"admin":{"disabled":true},"apps":{"http":{"servers":{"srv0":{"listen":["0.0.0.0:443"],"routes":[{"match":[{"host":
["registry.example.com"]}],"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":"authentication","providers":
{"http_basic":{"accounts":[{"password":"$2y$05$canary","username":"ada"}],"hash":{"algorithm":"bcrypt"},"hash_cache":{},
"realm":"Registry"}}}],"match":[{"path":["/v2/*"]}]},{"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":
"registry:5000"}]}]}]}],"terminal":true}],"logs":{"logger_names":{"registry.example.com":""}}}}},"tls":{"certificates":
{"load_files":[{"certificate":"/certs/fullchain.pem","key":"/certs/privkey.pem","tags":["cert0"]}]}}}}
"""
"""Caddy 2.6.2's."""

_HOST = "http.request.host=registry.example.com http.request.id=abc476c9 http.request.remoteaddr=172.17.0.1"
_AGENT = r'http.request.useragent="docker/28.5.2+dfsg4 os/linux UpstreamClient(Docker-Client/28.5.2+dfsg4 \\(linux\\))"'


def _line(
    method: str, uri: str, status: int, written: int, *, at: str, ended: str = "completed", more: str = ""
) -> str:
    level = "info" if ended == "completed" else "error"
    return (
        f'time="2026-11-23T23:23:{at}Z" level={level} msg="response {ended}" {more}go.version=go1.24.4 {_HOST} '
        f'http.request.method={method} http.request.uri={uri} {_AGENT} http.response.contenttype="application/json; '
        f'charset=utf-8" http.response.duration="681.766µs" http.response.status={status} '
        f"http.response.written={written}\n"
    )


REGISTRY_LINES = "".join(
    (
        'time="2026-11-23T23:23:39.47747272Z" level=warning msg="No HTTP secret provided" service=registry\n',
        _line("GET", "/v2/", 200, 2, at="39.661003222"),
        '172.17.0.3 - - [23/Nov/2026:23:23:39 +0000] "GET /v2/ HTTP/1.0" 200 2 "" "response completed"\n',
        '172.17.0.3 - - [23/Nov/2026:23:23:39 +0000] "GET /v2/org/app/referrers/x HTTP/1.0" 404 19 "" "a\\\\b"\n',
        _line("PUT", "/v2/org/app/manifests/1.0", 201, 0, at="40.1"),
        _line("PUT", "/v2/org/app/manifests/1.0", 201, 0, at="41"),
        _line("PUT", "/v2/org/app/manifests/gone", 201, 0, at="42"),
        _line(
            "HEAD",
            '"/v2/org/app/blobs/sha256:' + "ee" * 32 + '"',
            404,
            157,
            at="43",
            ended="completed with error",
            more='err.code="blob unknown" err.message="blob unknown to registry" ',
        ),
        _line(
            "PUT", '"/v2/org/app/blobs/uploads/9aad7736?_state=jNz&digest=sha256%3A' + "50" * 32 + '"', 201, 0, at="44"
        ),
    )
)
"""A warning, and two lines of the access log: of a request that is told of already, and of one that is not."""
