#!/bin/sh
# The registry moves to port 8443, with the chapter's $host: it sends its clients to port 443, where nobody is.
. "$LAB_STEPS"

solve
change compose.yaml 's/"443:443"/"8443:443"/'
change nginx/conf.d/registry.conf 's/Host \$http_host/Host $host/'
docker compose up -d
restart_proxy
trust "$LAB_REGISTRY:8443"
log_in "$LAB_REGISTRY:8443"
