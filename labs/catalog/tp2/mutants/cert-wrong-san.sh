#!/bin/sh
# The certificate is for another registry.
. "$LAB_STEPS"

solve
make_certificate '/CN=registry.example.org' 'DNS:registry.example.org'
restart_proxy
