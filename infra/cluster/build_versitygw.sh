#!/usr/bin/env bash
# Build the S3 server, some minutes the first time, and install it as the given file if the digests of its modules are the
# expected ones: go.sum's digest of each module, in versitygw.sha256 as the SHA-256 of the list.
set -euo pipefail

version=v1.8.0
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
echo "Building versitygw $version"
GOBIN="$build" go install "github.com/versity/versitygw/cmd/versitygw@$version"
digest=$(go version -m "$build/versitygw" | grep -E '^\s(mod|dep)' | sha256sum)
if [ "$digest" != "$(cat infra/cluster/versitygw.sha256)" ]; then
    echo "versitygw $version: its modules differ from those in infra/cluster/versitygw.sha256; not installed" >&2
    exit 1
fi
mv "$build/versitygw" "$1"
