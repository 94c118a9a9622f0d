# The steps of TP-1 as the chapter prints them (§3, §5.2, §13), one function each.
# solve.sh takes them in order; each mutant leaves one out or gets one wrong.
set -eu

image=$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app

# 1. A PAT that may push, and no more; or with the scopes given.
make_pat() {
    GHCR_PAT=$(labstack pat new --scopes "${1:-write:packages}" --note 'TP-1, machine a')
}

# 2.
log_in() {
    echo "$GHCR_PAT" | docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin
}

# 3. From the student's folder, or from another.
build() {
    docker build -t "$image:1.0" "${1:-.}"
}

# 4. The same image under the wider names of §3.3, then all three to the registry.
tag() {
    docker tag "$image:1.0" "$image:1"
    docker tag "$image:1.0" "$image:latest"
}

push() {
    docker push "$image:1.0"
    docker push "$image:1"
    docker push "$image:latest"
}

# 5. Another machine, with a PAT of its own that can only read.
on_machine_b() {
    labstack shell --machine b -- "$@"
}

pull_on_machine_b() {
    labstack pat new --scopes read:packages --note 'TP-1, machine b' |
        on_machine_b docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin
    on_machine_b docker pull "$image:1.0"
}

# A copy of the student's folder that a mutant may change: the student's own files stay as they are.
copy_sources() {
    cp -R . "$LAB_SCRATCH/sources"
    echo "$LAB_SCRATCH/sources"
}
