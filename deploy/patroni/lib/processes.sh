# shellcheck shell=bash disable=SC2034,SC2154
# A node's processes: how they start, and how they are found again. Source it after network.sh and programs.sh.
#
#   keeper ── Patroni ── postmaster ── its children
#   etcd
#
# There are no pid files to go stale: a process belongs to a node if it is one of these programs and has the node's folder among its
# arguments or (PostgreSQL's processes, which rename themselves) works in its data folder.

# Sets `prefix`: what runs a command in the node's network namespace as the servers' user. The environment is empty but for what is named:
# a proxy, a PGHOST or a LANG of the caller's shell must not reach a server. DOMICILE_TEST_RUN marks what a run of deploy/test started.
enter_node() {
  prefix=()
  if [[ $network == netns ]]; then prefix+=(nsenter "--net=/run/netns/$(tag)-$1" --); fi
  if [[ -n $server_user ]]; then prefix+=("${as_server_user[@]}"); fi
  prefix+=(env --ignore-environment "PATH=$postgres_bin:/usr/local/bin:/usr/bin:/bin" HOME=/ LANG=C.UTF-8)
  if [[ -n ${DOMICILE_TEST_RUN:-} ]]; then prefix+=("DOMICILE_TEST_RUN=$DOMICILE_TEST_RUN"); fi
}

in_node() {
  local prefix
  enter_node "$1"
  shift
  "${prefix[@]}" "$@"
}

# launch NODE LOG COMMAND…: it outlives this shell, and does not hold its lock (descriptor 9).
launch() {
  local prefix log=$2
  enter_node "$1"
  shift 2
  (
    exec 9>&-
    cd /
    exec setsid "${prefix[@]}" "$@"
  ) </dev/null >>"$log" 2>&1 &
}

# processes_of NODE [keeper|patroni|postgres|etcd]…: their ids, one a line; all of them where none is named. The postmaster comes before
# its children.
processes_of() {
  local node=$1 folder kind
  shift
  for folder in /proc/[0-9]*; do
    if belongs_to "$node" "$folder" && { (($# == 0)) || [[ " $* " == *" $kind "* ]]; }; then printf '%d\n' "${folder#/proc/}"; fi
  done | postmaster_first "$node"
}

# Sets `kind`. What ends while it is looked at is no process of anyone.
belongs_to() {
  local node=$1 folder=$2 comm words
  { read -r comm <"$folder/comm"; } 2>/dev/null || return 1
  case $comm in
    postgres | pg_* | initdb) kind=postgres ;;
    etcd | patroni) kind=$comm ;;
    python* | keeper) kind=keeper ;;
    *) return 1 ;;
  esac
  if [[ $kind == postgres && $folder/cwd -ef $(data_of "$node") ]]; then return; fi
  { mapfile -d '' -t words <"$folder/cmdline"; } 2>/dev/null || return 1
  [[ "${words[*]} " =~ [\ =]"$dir/$node"[\ /] ]]
}

postmaster_first() {
  local first
  first=$(head -n 1 "$(data_of "$1")/postmaster.pid" 2>/dev/null) || true
  awk -v first="$first" '$1 == first { print; next } { rest[++n] = $1 } END { for (i = 1; i <= n; i++) print rest[i] }'
}

# signal_all SIGNAL ID…
signal_all() {
  local signal=$1 id
  shift
  for id in "$@"; do kill -s "$signal" "$id" 2>/dev/null || true; done
}

state_of_process() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null || true; }

# What is killed is gone when its parent has taken note; a zombie does nothing any more.
all_ended() {
  local id state
  for id in "$@"; do
    state=$(state_of_process "$id")
    if [[ -n $state && $state != Z ]]; then return 1; fi
  done
}

all_stopped() {
  local id state
  for id in "$@"; do
    state=$(state_of_process "$id")
    if [[ -n $state && $state != [TZ] ]]; then return 1; fi
  done
}

# until_so SECONDS COMMAND…: tries every tenth of a second.
until_so() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}

start_etcd() {
  local node=$1 peers
  if [[ -n $(processes_of "$node" etcd) ]]; then return; fi
  peers=$(of_each_node etcd_member)
  # The leader of etcd is missed after a second and a half: this machine may be busy with other things. Old revisions of Patroni's keys go
  # after an hour.
  launch "$node" "$dir/$node/log/etcd.log" etcd --name "$node" --data-dir "$dir/$node/etcd" --logger zap --log-level warn \
    --listen-client-urls "$(etcd_url "$node")" --advertise-client-urls "$(etcd_url "$node")" \
    --listen-peer-urls "$(etcd_url "$node" etcd-peer)" --initial-advertise-peer-urls "$(etcd_url "$node" etcd-peer)" \
    --initial-cluster "$peers" --initial-cluster-state new --initial-cluster-token "domicile-$name" \
    --heartbeat-interval 150 --election-timeout 1500 --auto-compaction-mode periodic --auto-compaction-retention 1h
}

etcd_member() { printf '%s=%s' "$1" "$(etcd_url "$1" etcd-peer)"; }

start_keeper() {
  local node=$1
  if [[ -n $(processes_of "$node" keeper patroni) ]]; then return; fi
  launch "$node" "$dir/$node/log/keeper.log" "$python/bin/python" "$dir/keeper" "$dir/$node" "$(rest_url "$node")" "$keeper_patience" -- \
    "$python/bin/patroni" "$dir/$node/patroni.yaml"
}

start_node() {
  start_etcd "$1"
  start_keeper "$1"
}

# In order: Patroni hands over or waits for its standbys, PostgreSQL writes a checkpoint. What is still there after that is killed.
stop_all() {
  local node ids
  mapfile -t ids < <(all_processes)
  signal_all CONT "${ids[@]}"
  mapfile -t ids < <(all_processes keeper)
  signal_all TERM "${ids[@]}"
  until_so 30 none_left keeper patroni postgres || true
  kill_all
}

# At once, without a checkpoint. PostgreSQL gets the chance to give its shared memory back, which outlives a killed server.
end_all() {
  local node ids
  for node in $(node_names); do
    mapfile -t ids < <(processes_of "$node" keeper && processes_of "$node" patroni)
    signal_all KILL "${ids[@]}"
    mapfile -t ids < <(processes_of "$node" postgres)
    signal_all CONT "${ids[@]}"
    signal_all QUIT "${ids[@]:0:1}"
  done
  until_so 5 none_left postgres || true
  kill_all
  for node in $(node_names); do remove_shared_memory "$node"; done
}

# The seventh line of postmaster.pid names a segment; the file is still there only where the server was killed.
remove_shared_memory() {
  local segment
  segment=$(sed -n '7s/.* //p' "$(data_of "$1")/postmaster.pid" 2>/dev/null) || true
  if [[ $segment =~ ^[0-9]+$ ]]; then ipcrm --shmem-id "$segment" 2>/dev/null || true; fi
}

kill_all() {
  local node ids
  for node in $(node_names); do
    mapfile -t ids < <(processes_of "$node" keeper && processes_of "$node")
    signal_all KILL "${ids[@]}"
    signal_all CONT "${ids[@]}"
  done
  until_so 10 none_left || die "these processes do not end: $(all_processes | paste -sd ' ')" \
    "Look at them: ps -o pid,stat,wchan,args -p $(all_processes | paste -sd ,)"
}

all_processes() {
  local node
  for node in $(node_names); do processes_of "$node" "$@"; done
}

none_left() { [[ -z $(all_processes "$@") ]]; }
