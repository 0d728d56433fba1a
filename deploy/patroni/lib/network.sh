# shellcheck shell=bash disable=SC2034,SC2154
# Where the nodes live on the network: on ports of 127.0.0.1, or each in a network namespace of its own. Source it after layout.sh.
#
#   host ── TAG-host ──(veth)── bridge, in namespace TAG-net ──(veth)── eth0 in namespace TAG-n1, TAG-n2, …
#
# The bridge has a namespace too, so that no firewall rule of this machine (Docker's FORWARD DROP) falls on traffic between nodes.
# Nothing routes beyond the bridge: a node reaches the other nodes and this machine, and nothing else.

has_space() { [[ -e /run/netns/$(tag)-$1 ]]; }

# 198.18.0.0/15 is set aside for measuring networks (RFC 2544), so nobody's machines have these addresses. One /24 a region; the
# first to try comes from the folder's name, so that a region finds its own again.
choose_subnet() {
  local first try candidate
  first=$((16#$(tag | cut -c4-5)))
  for ((try = 0; try < 256; try++)); do
    candidate=198.18.$(((first + try) % 256))
    if ! subnet_is_taken "$candidate"; then
      subnet=$candidate
      return
    fi
  done
  die 'every network of 198.18.0.0/16 is in use on this machine.' 'Name another with --subnet 10.99.1 (the first three numbers of a /24).'
}

subnet_is_taken() { ip -4 route show table all | grep -qF " $1." || ip -4 route show | grep -q "^${1//./\\.}\."; }

# Below the ports that the kernel gives to outgoing connections (32768 and up).
choose_ports() {
  local try
  for ((try = 0; try < 100; try++)); do
    port_base=$((20000 + RANDOM % 1200 * 10))
    if [[ -z $(busy_ports) ]]; then return; fi
  done
  die 'found no free ports between 20000 and 32000 on 127.0.0.1.'
}

busy_ports() {
  local node kind
  for node in $(node_names); do
    for kind in postgres rest etcd etcd-peer; do
      if (exec 3<>"/dev/tcp/127.0.0.1/$(port_of "$node" "$kind")") 2>/dev/null; then port_of "$node" "$kind" && printf ' '; fi
    done
  done
}

# Root in a container may lack the rights for it.
can_make_spaces() { ((EUID == 0)) && unshare --net --mount true 2>/dev/null; }

# Which folder a tag belongs to: a region whose folder was removed under it (a test that was killed) leaves its network, and only this
# says whose it was.
spaces_register=/run/domicile-regions

remove_orphans() {
  local entry tag folder
  for entry in "$spaces_register"/*; do
    tag=$(basename "$entry")
    if [[ ! -f $entry ]]; then continue; fi
    folder=$(<"$entry")
    if [[ -e $folder/region || -n $(space_processes "$tag") ]]; then continue; fi
    note "removing the network of $folder, which is not there any more"
    remove_spaces "$tag"
  done
}

space_processes() {
  local space
  for space in "/run/netns/$1-"*; do
    if [[ -e $space ]]; then ip netns pids "$(basename "$space")"; fi
  done
}

network_up() {
  local node
  [[ $network == netns ]] || return 0
  mkdir -p "$spaces_register"
  printf '%s\n' "$dir" >"$spaces_register/$(tag)"
  if ! has_space net; then
    if subnet_is_taken "$subnet"; then
      die "$subnet.0/24 is in use on this machine: $(ip -4 route show | grep "^${subnet//./\\.}\." | head -n 1)" \
        "Choose another when the region is made: --subnet 198.18.N"
    fi
    make_bridge
  fi
  for node in $(node_names); do
    has_space "$node" || make_space "$node"
  done
}

make_bridge() {
  local tag
  tag=$(tag)
  ip netns add "$tag-net"
  ip -n "$tag-net" link set lo up
  ip -n "$tag-net" link add bridge type bridge
  ip -n "$tag-net" link set bridge up
  ip link add "$tag-host" type veth peer name host netns "$tag-net"
  ip -n "$tag-net" link set host master bridge up
  ip address add "$subnet.1/24" dev "$tag-host"
  ip link set "$tag-host" up
}

make_space() {
  local node=$1 tag
  tag=$(tag)
  ip netns add "$tag-$node"
  ip -n "$tag-$node" link set lo up
  ip -n "$tag-$node" link add eth0 type veth peer name "$node" netns "$tag-net"
  ip -n "$tag-$node" address add "$(address_of "$node")/24" dev eth0
  ip -n "$tag-$node" link set eth0 up
  ip -n "$tag-net" link set "$node" master bridge up
  # The rules of a cut come before the one that says which addresses are this node's own: it is usually the first of all.
  ip -n "$tag-$node" rule add preference 200 lookup local
  ip -n "$tag-$node" rule delete preference 0
}

# A namespace goes when its last process has ended; its interfaces, and their other ends, go with it.
network_down() {
  [[ $network == netns ]] || return 0
  remove_spaces "$(tag)"
}

remove_spaces() {
  local tag=$1 space
  for space in "/run/netns/$tag-"*; do
    if [[ -e $space ]]; then ip netns delete "$(basename "$space")"; fi
  done
  ip link delete "$tag-host" 2>/dev/null || true
  rm -f "$spaces_register/$tag"
}

# Cuts are silent, as a broken switch is: nothing tells a sender that its packets are lost. DIR/cuts/NODE says what a node is cut from.

cut_of() { cat "$dir/cuts/$1" 2>/dev/null || true; }

# cut_node NODE all|peers
cut_node() {
  mkdir -p "$dir/cuts"
  printf '%s' "$2" >"$dir/cuts/$1"
  apply_cuts
}

heal_node() {
  rm -f "$dir/cuts/$1"
  apply_cuts
}

# A node that is cut from everyone has its port taken off the bridge. Between two of which one is cut from its peers, each discards what
# comes from the other: a rule `blackhole` drops what arrives without a word, while on what is sent it would be an error to the sender.
apply_cuts() {
  local node other
  for node in $(node_names); do
    if [[ $(cut_of "$node") == all ]]; then
      ip -n "$(tag)-net" link set "$node" nomaster
    else
      ip -n "$(tag)-net" link set "$node" master bridge
    fi
    for other in $(node_names); do
      if [[ $other == "$node" ]]; then continue; fi
      if [[ $(cut_of "$node") == peers || $(cut_of "$other") == peers ]]; then
        discards "$node" "$other" || ip -n "$(tag)-$node" rule add preference 100 from "$(address_of "$other")" blackhole
      elif discards "$node" "$other"; then
        ip -n "$(tag)-$node" rule delete preference 100 from "$(address_of "$other")" blackhole
      fi
    done
  done
}

# Read whole before it is matched: under pipefail, a grep that stops early would fail the pipe.
discards() { [[ "$(ip -n "$(tag)-$1" rule show) " == *"from $(address_of "$2") blackhole"* ]]; }
