#!/bin/sh
# nginx's own limit again, 1 MiB. What was pushed before stays.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf '/client_max_body_size/d'
restart_proxy
