# shellcheck shell=bash disable=SC2034,SC2154
# Where a region's parts lie and what it was made with. Source it after say.sh; `dir` is the region's folder.
#
#   DIR/region        what it was made with, a line for each setting
#   DIR/passwords     random, a line for each role; mode 0600
#   DIR/pgpass        for libpq's passfile: the role domicile; mode 0600. admin.pgpass: the superuser
#   DIR/NODE/         patroni.yaml, disk/data (PostgreSQL), etcd, log; the servers' user owns it

# Settings, as `up` was told them. Read from DIR/region from the second time on.
name='' network='' nodes=3 subnet='' port_base=0 pace=quick disk='' watchdog=off

node_names() {
  local index
  for ((index = 1; index <= nodes; index++)); do printf 'n%d\n' "$index"; done
}

is_node() { [[ $1 =~ ^n([0-9])$ ]] && ((BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= nodes)); }

data_of() { printf '%s/%s/disk/data' "$dir" "$1"; }

# A bridge, namespaces and interfaces of this region begin with this: short, as an interface's name has 15 characters.
tag() { printf 'dom%s' "$(printf '%s' "$dir" | sha256sum | cut -c1-6)"; }

address_of() {
  if [[ $network == netns ]]; then printf '%s.%d' "$subnet" $((10 + ${1#n})); else printf '127.0.0.1'; fi
}

# port_of NODE postgres|rest|etcd|etcd-peer: the usual ones where each node has an address of its own.
port_of() {
  local usual offset
  case $2 in
    postgres) usual=5432 offset=0 ;;
    rest) usual=8008 offset=1 ;;
    etcd) usual=2379 offset=2 ;;
    etcd-peer) usual=2380 offset=3 ;;
  esac
  if [[ $network == netns ]]; then printf '%d' "$usual"; else printf '%d' $((port_base + 10 * ${1#n} + offset)); fi
}

rest_url() { printf 'http://%s:%s' "$(address_of "$1")" "$(port_of "$1" rest)"; }
etcd_url() { printf 'http://%s:%s' "$(address_of "$1")" "$(port_of "$1" "${2:-etcd}")"; }

# A comma between what a function prints for each node.
of_each_node() {
  local function=$1 node
  shift
  for node in $(node_names); do
    "$function" "$node" "$@"
    printf '\n'
  done | paste -sd ,
}

is_made() { [[ -f $dir/region ]]; }

read_settings() {
  local key value
  while IFS='=' read -r key value; do
    case $key in
      name) name=$value ;;
      network) network=$value ;;
      nodes) nodes=$value ;;
      subnet) subnet=$value ;;
      port_base) port_base=$value ;;
      pace) pace=$value ;;
      disk) disk=$value ;;
      watchdog) watchdog=$value ;;
    esac
  done <"$dir/region"
}

# In one step, so that an interrupted `up` leaves either no settings or all of them.
write_settings() {
  local key
  for key in name network nodes subnet port_base pace disk watchdog; do printf '%s=%s\n' "$key" "${!key}"; done >"$dir/region.new"
  mv "$dir/region.new" "$dir/region"
}

need_region() {
  is_made || die "there is no region in $dir." "Make one: deploy/patroni/region up --dir $dir --name eu-west"
  read_settings
  if [[ $network == netns ]] && ((EUID != 0)); then
    die "the region in $dir runs in network namespaces: only root reaches them." "Run this as root."
  fi
}

# A password that is there stays: PostgreSQL has it too.
make_passwords() {
  local role
  touch "$dir/passwords"
  chmod 0600 "$dir/passwords"
  for role in postgres replicator rewinder domicile operator; do
    [[ -n $(password_of "$role") ]] || printf '%s=%s\n' "$role" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>"$dir/passwords"
  done
  (umask 077 && printf '*:*:*:domicile:%s\n' "$(password_of domicile)" >"$dir/pgpass")
  (umask 077 && printf '*:*:*:postgres:%s\n' "$(password_of postgres)" >"$dir/admin.pgpass")
}

password_of() { sed -n "s/^$1=//p" "$dir/passwords"; }

# dsn DATABASE [NODE]: without NODE, libpq tries one after the other and takes the one that writes. The timeouts are for a node that has
# gone silent.
dsn() {
  if [[ -n ${2:-} ]]; then
    printf 'host=%s port=%s ' "$(address_of "$2")" "$(port_of "$2" postgres)"
  else
    printf 'host=%s port=%s target_session_attrs=read-write ' "$(of_each_node address_of)" "$(of_each_node port_of postgres)"
  fi
  printf 'dbname=%s user=domicile passfile=%s ' "$1" "$dir/pgpass"
  printf 'connect_timeout=2 tcp_user_timeout=5000 keepalives_idle=5 keepalives_interval=2 keepalives_count=3\n'
}

# The variables that regions/NAME.yaml names: DOMICILE_EU_WEST_DSN, DOMICILE_EU_WEST_KEYS_DSN.
dsn_variables() {
  local variable=${name//-/_}
  printf "export DOMICILE_%s_DSN='%s'\n" "${variable^^}" "$(dsn domicile)"
  printf "export DOMICILE_%s_KEYS_DSN='%s'\n" "${variable^^}" "$(dsn domicile_keys)"
}
