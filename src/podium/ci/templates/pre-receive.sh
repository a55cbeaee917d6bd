#!/bin/sh
# Written by `podium ci pre-receive`, which writes it anew: change nothing here.
# Refuses pushes that break the registry. A hook that was here before is kept beside it and has the first word.
set -eu

lines=$(cat)
before=$(dirname -- "$0")/pre-receive.before-podium
if [ -x "$before" ]; then
    printf '%s\n' "$lines" | "$before" "$@"
fi
if ! [ -x @PYTHON@ ]; then
    echo "podium is no longer installed where it was, so this push cannot be judged:" >&2
    echo "the owner of this server installs it and runs \`podium ci pre-receive\` again" >&2
    exit 3
fi
printf '%s\n' "$lines" | @COMMAND@
