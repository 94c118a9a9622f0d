# The steps of TP-2 as the chapter prints them (§7.1, §8.2, §13), one function each, with the cures of both its traps.
# solve takes them in order; each mutant gets one wrong, or breaks something once all is done.
set -eu

random() {
    python -c 'import secrets; print(secrets.token_hex(16))'
}

name=registry.example.com
image=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app
password=$(random)
COSIGN_PASSWORD=$(random)
export COSIGN_PASSWORD

# 1. The password as the chapter makes it. nginx reads the file for each request.
make_passwords() {
    mkdir -p auth
    htpasswd -Bbc auth/htpasswd "$LAB_USER" "$password"
}

# A CA of one's own stands in for Let's Encrypt, which gives no certificate to a laptop.
make_certificate() {
    labstack cert "$name"
}

# certify SUBJECT NAMES [BEGIN END]: another certificate by that CA, with a new key; times as YYYYMMDDHHMMSSZ.
certify() {
    new_key certs/privkey.pem
    openssl req -new -key certs/privkey.pem -subj "$1" -out "$LAB_SCRATCH/server.csr"
    printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n%s\n' "${2:+subjectAltName=$2}" \
        >"$LAB_SCRATCH/server.ext"
    # Of openssl's commands only "ca" lets one choose both times.
    printf '%s\n' '[ca]' 'default_ca=lab' '[lab]' "database=$LAB_SCRATCH/index" "new_certs_dir=$LAB_SCRATCH" \
        'rand_serial=yes' 'unique_subject=no' 'default_md=sha256' 'policy=any' \
        '[any]' 'commonName=optional' 'organizationName=optional' >"$LAB_SCRATCH/ca.cnf"
    : >"$LAB_SCRATCH/index"
    openssl ca -batch -notext -config "$LAB_SCRATCH/ca.cnf" -cert certs/ca.crt -keyfile certs/ca.key \
        -in "$LAB_SCRATCH/server.csr" -extfile "$LAB_SCRATCH/server.ext" -out certs/fullchain.pem \
        -startdate "${3:-$(date -u +%Y%m%d000000Z)}" -enddate "${4:-20491231235959Z}"
}

# new_key FILE: readable by nobody else from its first byte on.
new_key() {
    rm -f "$1"
    (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1")
}

# 2. §8.2.
write_compose() {
    cat >compose.yaml <<'COMPOSE'
services:
  registry:
    image: registry:2
    environment:
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: /var/lib/registry
      REGISTRY_HTTP_ADDR: :5000
      REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin: '["*"]'
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    volumes:
      - ./registry:/var/lib/registry
    networks: [net]

  nginx:
    image: nginx:1.25
    ports: ["80:80", "443:443"]
    volumes:
      - ./nginx/conf.d:/etc/nginx/conf.d:ro
      - ./certs:/etc/nginx/certs:ro
      - ./auth:/etc/nginx/auth:ro
    depends_on: [registry]
    networks: [net]

networks: { net: {} }
COMPOSE
}

# Without client_max_body_size nginx refuses what is larger than 1 MiB; $host would lose any port but 443.
write_proxy() {
    mkdir -p nginx/conf.d
    cat >nginx/conf.d/registry.conf <<'NGINX'
server {
  listen 443 ssl;
  server_name registry.example.com;
  ssl_certificate     /etc/nginx/certs/fullchain.pem;
  ssl_certificate_key /etc/nginx/certs/privkey.pem;
  client_max_body_size 0;

  location /v2/ {
    auth_basic "Registry";
    auth_basic_user_file /etc/nginx/auth/htpasswd;

    proxy_pass http://registry:5000;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $remote_addr;
  }
}
server {
  listen 80;
  server_name registry.example.com;
  return 301 https://$host$request_uri;
}
NGINX
}

bring_up() {
    docker compose up -d
}

# publish_at PORT: the registry is published there, not at 443; that belongs to its name then.
publish_at() {
    change compose.yaml "s/\"443:/\"$1:/"
    LAB_REGISTRY=$LAB_REGISTRY:$1
    image=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app
}

# Docker trusts the CAs of a registry's own folder, and no other certificate is asked for here.
trust() {
    mkdir -p "$LAB_CERTS_D/$1"
    cp certs/ca.crt "$LAB_CERTS_D/$1/ca.crt"
}

# Docker does not wait until what is in a container listens: for a moment nobody answers, or nginx alone.
log_in() {
    for delay in 0.1 0.2 0.4 0.8 1.6 3.2 0; do
        if said=$(echo "$password" | docker login "$1" -u "$LAB_USER" --password-stdin 2>&1); then
            break
        fi
        case $said in
        *EOF* | *refused* | *reset* | *'502 Bad Gateway'*) sleep "$delay" ;;
        *) delay=0 ;;
        esac
        if [ "$delay" = 0 ]; then
            echo "$said" >&2
            return 1
        fi
    done
    echo "$said"
}

# 3. From the student's folder, or from another.
build() {
    docker build -t "$image:1.0" "${1:-.}"
}

push() {
    docker push "$image:1.0"
}

make_keys() {
    rm -f cosign.key cosign.pub
    cosign generate-key-pair
}

# The flags beside the chapter's: no public transparency log is asked, and certs.d is Docker's, not cosign's own.
sign() {
    cosign sign --yes --tlog-upload=false --registry-cacert certs/ca.crt --key cosign.key "${1:-$image:1.0}"
}

verify() {
    cosign verify --insecure-ignore-tlog=true --registry-cacert certs/ca.crt --key cosign.pub "$image:1.0"
}

# 4.
look() {
    docker compose logs nginx
    pull_anew
}

# Docker's own also keeps what an image was built of, and would fetch nothing; the lab's has no such cache.
pull_anew() {
    docker rmi "$image:1.0"
    docker builder prune --all --force >/dev/null 2>&1 || true
    docker buildx history rm --all >/dev/null 2>&1 || true
    docker pull "$image:1.0"
}

prepare() {
    make_passwords
    make_certificate
    write_compose
    write_proxy
}

launch() {
    bring_up
    trust "$LAB_REGISTRY"
    log_in "$LAB_REGISTRY"
}

publish() {
    build
    push
    make_keys
    sign
    verify
    look
}

solve() {
    prepare
    launch
    publish
}

# change FILE SCRIPT: edit a file with sed, in its place; to change nothing is an error.
change() {
    sed "$2" "$1" >"$LAB_SCRATCH/changed"
    if cmp -s "$1" "$LAB_SCRATCH/changed"; then
        echo "$1: expected to be changed by $2" >&2
        exit 1
    fi
    cat "$LAB_SCRATCH/changed" >"$1"
}

# What nginx reads when it starts is read again: its configuration and its certificates.
restart_proxy() {
    docker compose restart nginx
}

# A copy of the image's sources that a mutant may change: the student's own files stay as they are.
copy_sources() {
    mkdir "$LAB_SCRATCH/sources"
    cp Dockerfile greet greeting.txt payload.bin "$LAB_SCRATCH/sources"
    echo "$LAB_SCRATCH/sources"
}
