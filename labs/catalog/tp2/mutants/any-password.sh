#!/bin/sh
# Whoever gives a name is let in: nobody compares the password.
. "$LAB_STEPS"

solve
change nginx/conf.d/registry.conf '
s/^    auth_basic "Registry";/    if ($http_authorization = "") {/
s/^    auth_basic_user_file .*/      add_header WWW-Authenticate '"'Basic realm=\"Registry\"'"' always;\
      return 401;\
    }/'
restart_proxy
