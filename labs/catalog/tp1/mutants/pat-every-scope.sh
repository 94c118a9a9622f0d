#!/bin/sh
# Every box was ticked, to be safe. It works, and it is not safe.
. "$LAB_STEPS"

make_pat repo,write:packages,delete:packages,admin:org
log_in
build
tag
push
pull_on_machine_b
