# Runs a command from its TypeScript source with the workspace's Node, in the caller's folder. Installs the workspace on
# first use, and again when the lockfile has changed. Sourced by `tinybms-ota` and `tinybms-sim`, which set `root`.
#
#     run_from_source MODULE [ARGUMENT...]

run_from_source() {
  module="$root/$1"
  shift
  if ! cmp -s "$root/pnpm-lock.yaml" "$root/node_modules/.pnpm/lock.yaml"; then
    echo "Installing the workspace in $root ..." >&2
    log=$(cd "$root" && npx -y pnpm@12 install --frozen-lockfile 2>&1 </dev/null) || {
      printf '%s\n' "$log" >&2
      exit 1
    }
  fi
  exec "$root/node_modules/node/bin/node" --conditions=@tinybms/source "$module" "$@"
}
