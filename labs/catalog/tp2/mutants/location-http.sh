#!/bin/sh
# The registry is not told that its clients speak https, and sends them to http.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf '/X-Forwarded-Proto/d'
restart_proxy
