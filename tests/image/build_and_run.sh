#!/usr/bin/env bash
# Builds the image where no registry can be reached, and trains through its api and worker commands.
#   sudo tests/image/build_and_run.sh WORK [option of `buildah build` ...]
# WORK is a folder with 15 GB to spare; what is in WORK/base already is taken for the base image.
# Needs buildah, debootstrap and python3. An option may be the likes of `--volume /etc/pip.conf:/etc/pip.conf:ro`.
set -euo pipefail
work=$(realpath -m "$1") && shift
cd "$(dirname "$0")/../.."

export STORAGE_OPTS=
mkdir -p "$work"
places=(--root "$work/store" --runroot "$work/run" --storage-driver vfs)
store() { buildah "${places[@]}" "$@"; }
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

if [[ ! -d $work/base ]]; then
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$work/new"
    mv "$work/new" "$work/base"
fi
container=$(store from scratch)
store copy --quiet "$container" "$work/base" /
store commit --quiet --rm "$container" "$base"
store build --isolation chroot --format docker --pull-never --tag localhost/graphfit "$@" .

container=$(store from --pull-never localhost/graphfit)
parts=() # /data is the container's own volume, which all of them share
finish() {
    ((${#parts[@]} == 0)) || kill "${parts[@]}" 2>/dev/null || true
    wait
    store rm "$container" >/dev/null
}
trap finish EXIT
inside() { store run --isolation chroot "$container" -- "$@"; }
begin() {
    (exec buildah "${places[@]}" run --isolation chroot "$container" -- "$@") &
    parts+=($!)
}
soft_stop() { # buildah makes SIGKILL of a SIGTERM; below it and its two helpers is graphfit itself
    local process=$1
    for _ in 1 2 3; do process=$(pgrep --parent "$process"); done
    kill -TERM "$process"
}
await() { # the command's success, for two minutes
    for ((second = 0; second < 120; second++)); do
        ! "$@" 2>/dev/null || return 0
        sleep 1
    done
    "$@"
}

echo "== $(inside graphfit --version), as uid $(inside id -u)"
inside sh -c 'for each in cc gcc g++ clang tcc ld as make rustc go; do
    if command -v "$each"; then exit 1; fi
done'
inside graphfit migrate
begin graphfit api --port "$port"
begin graphfit worker
begin graphfit reaper
await inside graphfit health api --port "$port"
await inside graphfit health worker
await inside graphfit health reaper
python3 examples/client.py "http://127.0.0.1:$port"

echo "== SIGTERM"
for part in "${parts[@]}"; do soft_stop "$part"; done
for part in "${parts[@]}"; do
    wait "$part" || [[ $part == "${parts[0]}" ]] # uvicorn ends by the signal that it has obeyed
done
parts=()
echo "== all of it worked"
