#!/bin/sh
# The password is asked for reading only.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf '
s/^    auth_basic "Registry";/    limit_except POST PUT PATCH DELETE { &/
s/^    auth_basic_user_file .*/& }/'
restart_proxy
