#!/bin/sh
# Port 80 serves the registry as well, instead of sending everybody to HTTPS: passwords travel in the clear.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf 's/^  return 301 .*/  location \/v2\/ {\
    auth_basic "Registry";\
    auth_basic_user_file \/etc\/nginx\/auth\/htpasswd;\
    proxy_pass http:\/\/registry:5000;\
    proxy_set_header Host $http_host;\
  }/'
restart_proxy
