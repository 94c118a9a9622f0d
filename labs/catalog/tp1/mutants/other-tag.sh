#!/bin/sh
# The version got a "v" in front, as Git tags have one.
. "$LAB_STEPS"

make_pat
log_in
docker build -t "$image:v1.0" .
docker push "$image:v1.0"
