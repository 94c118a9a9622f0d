#!/bin/sh
# All is done on port 8443. Then nginx gets the chapter's $host: the registry sends its clients to port 443 from now on.
. "$LAB_STEPS"

prepare
publish_at 8443
launch
publish
change nginx/conf.d/registry.conf 's/Host \$http_host/Host $host/'
restart_proxy
