#!/bin/sh
# The name stands in the subject's CN, where no client has looked for years.
. "$LAB_STEPS"

solve
make_certificate "/CN=$name" ''
restart_proxy
