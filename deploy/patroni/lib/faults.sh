# shellcheck shell=bash disable=SC2034,SC2154
# Faults, for drills and tests. Each returns when it is in force. Source it after watch.sh.

need_netns() {
  [[ $network == netns ]] || die "$1 needs network namespaces, and the region in $dir runs on ports of 127.0.0.1." \
    "Make it as root with --network netns."
}

# fault_kill NODE postgres|agent|database|node
fault_kill() {
  local node=$1 ids kinds
  case $2 in
    postgres) kinds='postgres' ;;
    agent) kinds='patroni' ;;
    database) kinds='keeper patroni postgres' ;;
    node) kinds='keeper patroni postgres etcd' ;;
  esac
  mapfile -t ids < <(for kind in $kinds; do processes_of "$node" "$kind"; done)
  ((${#ids[@]} > 0)) || die "$node has no such process ($kinds): it is stopped already." \
    "Start it: deploy/patroni/region fault start $node --dir $dir"
  signal_all KILL "${ids[@]}"
  until_so 10 all_ended "${ids[@]}" || die "these processes of $node do not end: ${ids[*]}"
}

# fault_pause NODE agent|agents|node: who might act on the others' silence is stopped first.
fault_pause() {
  local node=$1 ids kinds
  case $2 in
    agent) kinds='patroni' ;;
    agents) kinds='keeper patroni' ;;
    node) kinds='keeper patroni postgres etcd' ;;
  esac
  mapfile -t ids < <(for kind in $kinds; do processes_of "$node" "$kind"; done)
  ((${#ids[@]} > 0)) || die "$node has no process to pause."
  signal_all STOP "${ids[@]}"
  # Once more: what forked before it was stopped.
  mapfile -t ids < <(for kind in $kinds; do processes_of "$node" "$kind"; done)
  signal_all STOP "${ids[@]}"
  until_so 10 all_stopped "${ids[@]}" || die "these processes of $node do not stop: ${ids[*]}"
}

fault_resume() {
  local ids
  mapfile -t ids < <(processes_of "$1")
  signal_all CONT "${ids[@]}"
}

fault_cut() {
  need_netns 'fault cut'
  cut_node "$1" "$2"
}

fault_heal() {
  need_netns 'fault heal'
  heal_node "$1"
}

ballast_of() { printf '%s/%s/disk/ballast' "$dir" "$1"; }

# All of the disk, then what PostgreSQL holds in reserve: WAL segments made ahead, which it would go on writing for a while.
fault_fill() {
  local node=$1 tries
  need_disk "$node"
  dd if=/dev/zero of="$(ballast_of "$node")" bs=1M status=none 2>/dev/null || true
  for ((tries = 0; tries < 64; tries++)); do
    admin_sql "$node" "SELECT pg_switch_wal() FROM pg_logical_emit_message(false, 'fill', 'fill')" >/dev/null 2>&1 || break
  done
}

fault_drain() {
  need_disk "$1"
  rm -f "$(ballast_of "$1")"
}

need_disk() {
  [[ -n $disk ]] || die "the data of $dir lies on this machine's own disk, which no test should fill." \
    "Make the region with --disk 1G, as root: each node then has a disk of its own."
}
