#!/bin/sh
# The certificate names nobody: no subject alternative name, and an organisation as its subject.
. "$LAB_STEPS"

solve
make_certificate '/O=Atelier' ''
restart_proxy
