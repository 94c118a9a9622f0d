#!/bin/sh
# The image went to another registry on this machine, one that asks nobody who they are.
. "$LAB_STEPS"

make_pat
log_in
build

port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$LAB_SCRATCH/config.yml" <<CONFIG
version: 0.1
storage:
  filesystem:
    rootdirectory: $LAB_SCRATCH/store
http:
  addr: 127.0.0.1:$port
CONFIG
pyregistry serve "$LAB_SCRATCH/config.yml" >"$LAB_SCRATCH/log" 2>&1 &
neighbour=$!
trap 'kill $neighbour; wait $neighbour || true' EXIT
python - "$port" <<'PYTHON'
import socket, sys, time

for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
PYTHON

docker tag "$image:1.0" "localhost:$port/$LAB_ORG/$LAB_REPO/app:1.0"
docker push "localhost:$port/$LAB_ORG/$LAB_REPO/app:1.0"
