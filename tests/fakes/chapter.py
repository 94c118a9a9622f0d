"""The two files that the course prints in §8.2, to the letter: a compose file and an extract of nginx's."""

COMPOSE = """\
services:
  registry:
    image: registry:2
    environment:
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: /var/lib/registry
      REGISTRY_HTTP_ADDR: :5000
      REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin: '["*"]'
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    volumes:
      - ./registry:/var/lib/registry
    networks: [net]

  nginx:
    image: nginx:1.25
    ports: ["80:80", "443:443"]
    volumes:
      - ./nginx/conf.d:/etc/nginx/conf.d:ro
      - ./certs:/etc/nginx/certs:ro
      - ./auth:/etc/nginx/auth:ro
    depends_on: [registry]
    networks: [net]

networks: { net: {} }
"""

NGINX = """\
server {
  listen 443 ssl;
  server_name registry.example.com;
  ssl_certificate     /etc/nginx/certs/fullchain.pem;
  ssl_certificate_key /etc/nginx/certs/privkey.pem;

  location /v2/ {
    auth_basic "Registry";
    auth_basic_user_file /etc/nginx/auth/htpasswd;

    proxy_pass http://registry:5000;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $remote_addr;
  }
}
server {
  listen 80;
  server_name registry.example.com;
  return 301 https://$host$request_uri;
}
"""
