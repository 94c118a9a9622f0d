#!/bin/sh
# The password is asked for at the door, /v2/, and then for writing only.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf '/location \/v2\/ {/i\
  location = /v2/ {\
    auth_basic "Registry";\
    auth_basic_user_file /etc/nginx/auth/htpasswd;\
    proxy_pass http://registry:5000;\
  }
s/^    auth_basic "Registry";/    limit_except GET { &/
s/^    auth_basic_user_file .*/& }/'
restart_proxy
