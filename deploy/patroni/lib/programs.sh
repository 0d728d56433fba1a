# shellcheck shell=bash disable=SC2034,SC2154
# Finds or installs the programs that a region runs, and the user they run as. Source it after layout.sh; `here` is this folder's parent.

# PostgreSQL refuses to run as root.
server_user='' as_server_user=()
if ((EUID == 0)); then
  server_user=postgres
  as_server_user=(setpriv --reuid="$server_user" --regid="$server_user" --init-groups --inh-caps=-all --no-new-privs --)
fi

as_server() { "${as_server_user[@]}" "$@"; }

find_postgres() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse); do
    if [[ -x $folder/postgres ]]; then
      postgres_bin=$folder
      return
    fi
  done
  die 'PostgreSQL is not installed: there is no /usr/lib/postgresql/N/bin/postgres.' 'Install it: deploy/setup patroni'
}

# Patroni of the version in requirements.txt, in a Python environment of its own. It lies in the checkout and is shared by all regions,
# unless the servers' user cannot reach it there (/root is closed to it) or the caller may not write there: then in the region's folder.
find_patroni() {
  local shared=$here/../../.build/patroni
  if [[ -n ${DOMICILE_PATRONI:-} ]]; then
    python=$DOMICILE_PATRONI
  else
    mkdir -p "$(dirname "$shared")" 2>/dev/null || true
    shared=$(realpath --canonicalize-missing "$shared")
    python=$shared
    if ! as_server test -x "$(dirname "$shared")"; then python=$dir/programs; fi
    if ! is_installed "$shared" && [[ ! -w $(dirname "$shared") ]]; then python=$dir/programs; fi
    is_installed "$python" || install_patroni "$python"
  fi
  patroni_version=$(as_server "$python/bin/patroni" --version 2>&1) || die "Patroni does not start: $patroni_version" \
    "Remove $python, so that it is installed anew."
}

wanted_programs() { sha256sum <"$here/requirements.txt"; }

# The mark is written last: complete, or not there.
is_installed() { [[ -f $1/installed && $(cat "$1/installed") == "$(wanted_programs)" ]]; }

# One at a time, as two regions may start at once.
install_patroni() (
  folder=$1
  exec 8>"$folder.lock"
  flock --exclusive 8
  if is_installed "$folder"; then return; fi
  say "Installing Patroni ($(sed -n 's/^patroni.*==//p' "$here/requirements.txt")) from PyPI"
  rm -rf "$folder"
  # Debian's own Python, not one that is first on PATH for other reasons: the servers' user must be able to run it.
  if ! /usr/bin/python3 -m venv "$folder" >"$folder.log" 2>&1 ||
    ! "$folder/bin/pip" --quiet --disable-pip-version-check install --requirement "$here/requirements.txt" >>"$folder.log" 2>&1; then
    bad "error: Patroni could not be installed: $(tail -n 1 "$folder.log")"
    printf '       %s\n' "It comes from PyPI with pip; is this machine online? The whole log: $folder.log" \
      "Debian 12 has only Patroni 3.0.2, which lacks quorum commit. An installation of your own: DOMICILE_PATRONI=/path/of/its/venv" >&2
    exit 69
  fi
  chmod -R go+rX "$folder"
  wanted_programs >"$folder/installed"
)
