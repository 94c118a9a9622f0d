#!/bin/sh
# nginx writes its log into the student's folder, and the student writes a pull into it that never was.
. "$LAB_STEPS"

prepare
mkdir -p logs
change compose.yaml 's|^      - ./auth:.*|&\
      - ./logs:/var/log/nginx|'
launch
publish
sleep 1 # what nginx's first second holds is held against nobody, and on a quick machine all that was in it
printf '127.0.0.1 - %s [%s] "GET /v2/%s/manifests/1.0 HTTP/1.1" 200 527 "-" "docker/28.5.1" "-"\n' \
    "$LAB_USER" "$(LC_ALL=C date '+%d/%b/%Y:%H:%M:%S %z')" "$LAB_ORG/$LAB_REPO/app" >>logs/access.log
