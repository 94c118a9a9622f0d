#!/bin/sh
# No tag was written, and Docker wrote "latest".
. "$LAB_STEPS"

make_pat
log_in
docker build -t "$image" .
docker push "$image"
