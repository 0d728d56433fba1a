# shellcheck shell=bash disable=SC2034,SC2154
# What state a region is in, as its nodes' Patroni say. Source it after processes.sh.

# Asks no proxy, and no node for longer than a second.
ask() { curl --silent --noproxy '*' --max-time 1 "$@"; }

# look NODE: sets role, timeline, quorum (yes: the leader counts on it) and says (Patroni's own word for the server's state).
#   leader   takes writes and holds the lease      promoting  holds the lease, does not take writes yet
#   primary  takes writes without a lease          starting   Patroni answers, the server is not up yet
#   standby  streams from the leader               detached   a standby that does not
#   paused   frozen by `fault pause`               silent     does not answer     stopped  has no processes
look() {
  local node=$1 answer code
  timeline=0 quorum=no says=''
  if [[ $(cut_of "$node") == all ]] || ! answer=$(ask --write-out '\n%{http_code}' "$(rest_url "$node")/primary"); then
    role=$(why_silent "$node")
    return
  fi
  code=${answer##*$'\n'}
  if [[ $answer =~ \"state\":\ \"([^\"]*)\" ]]; then says=${BASH_REMATCH[1]}; fi
  if [[ $answer =~ \"timeline\":\ ([0-9]+) ]]; then timeline=${BASH_REMATCH[1]}; fi
  if [[ $answer == *'"quorum_standby": true'* ]]; then quorum=yes; fi
  role=starting
  if [[ $says == running && $answer == *'"role": "primary"'* ]]; then
    if [[ $code == 200 ]]; then role=leader; else role=primary; fi
  elif [[ $code == 200 ]]; then
    role=promoting
  elif [[ $says == running ]]; then
    role=standby
    if [[ $answer != *'"replication_state": "streaming"'* ]]; then role=detached; fi
  fi
}

why_silent() {
  local agents
  mapfile -t agents < <(processes_of "$1" patroni)
  if ((${#agents[@]} == 0)); then
    printf 'stopped'
  elif [[ $(state_of_process "${agents[0]}") == T ]]; then
    printf 'paused'
  else
    printf 'silent'
  fi
}

# Prints the leader's name, or fails.
find_leader() {
  local node role timeline quorum says
  for node in $(node_names); do
    look "$node"
    if [[ $role == leader ]]; then
      printf '%s\n' "$node"
      return
    fi
  done
  return 1
}

leader_is_not() {
  local found
  found=$(find_leader) && [[ $found != "$1" ]]
}

# A leader, and every other node streams and is counted on.
is_healthy() {
  local node role timeline quorum says leaders=0
  for node in $(node_names); do
    look "$node"
    case $role/$quorum in
      leader/*) leaders=$((leaders + 1)) ;;
      standby/yes) ;;
      *) return 1 ;;
    esac
  done
  ((leaders == 1))
}

# wait_for SECONDS WHAT COMMAND…: fails with where to look.
wait_for() {
  local limit=$1 what=$2 began=$SECONDS
  shift 2
  until "$@"; do
    if ((SECONDS - began >= limit)); then
      bad "error: no $what within $limit s; the region is in this state:"
      status_table >&2
      printf '       What Patroni did: %s/NODE/log/patroni.log\n' "$dir" >&2
      return 1
    fi
    sleep 0.2
  done
}

# As wait_for with is_healthy, and says what changes meanwhile.
wait_until_healthy() {
  local began=$SECONDS before='' now
  until is_healthy; do
    now=$(progress)
    if [[ $now != "$before" ]]; then note "  $(elapsed $((SECONDS - began))): $now"; fi
    before=$now
    if ((SECONDS - began >= $1)); then
      wait_for 0 'leader with all its standbys' false
      return 1
    fi
    sleep 0.5
  done
  note "  $(elapsed $((SECONDS - began))): $(progress)"
}

progress() {
  local node role timeline quorum says
  for node in $(node_names); do
    look "$node"
    case $role/$quorum in
      standby/yes) printf '%s standby in the quorum\n' "$node" ;;
      starting/*) printf '%s starting (%s)\n' "$node" "${says:-no server yet}" ;;
      *) printf '%s %s\n' "$node" "$role" ;;
    esac
  done | paste -sd , | sed 's/,/, /g'
}

status_table() {
  local node role timeline quorum says cut
  printf '%-5s %-10s %-9s %-7s %-6s %s\n' NODE ROLE TIMELINE QUORUM CUT REST
  for node in $(node_names); do
    look "$node"
    cut=$(cut_of "$node")
    printf '%-5s %-10s %-9s %-7s %-6s %s\n' "$node" "$role" "$timeline" "$quorum" "${cut:--}" "$(rest_url "$node")"
  done
}

status_json() {
  local node role timeline quorum says separator=''
  printf '{"name":"%s","network":"%s","pace":"%s","nodes":[' "$name" "$network" "$pace"
  for node in $(node_names); do
    look "$node"
    printf '%s{"name":"%s","role":"%s","timeline":%d,"quorum":%s,"cut":"%s","host":"%s","port":%d,"rest":"%s"}' "$separator" \
      "$node" "$role" "$timeline" "$([[ $quorum == yes ]] && printf true || printf false)" "$(cut_of "$node")" \
      "$(address_of "$node")" "$(port_of "$node" postgres)" "$(rest_url "$node")"
    separator=,
  done
  printf ']}\n'
}
