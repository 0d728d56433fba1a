# shellcheck shell=bash
# What the scripts here share: how they speak, and how they find Swift. Source it; it runs nothing.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain" >&2; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain" >&2; }
good() { printf '%s%s%s\n' "$green" "$*" "$plain" >&2; }
bad() { printf '%s%s%s\n' "$red" "$*" "$plain" >&2; }

# die MESSAGE [HINT…]: the error, then what to do about it, one line each; exit 1.
die() {
  bad "error: $1"
  shift
  local hint
  for hint in "$@"; do printf '       %s\n' "$hint" >&2; done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Seconds as people read them: 8 s, 3 min 05 s.
elapsed() {
  if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# Puts swift on PATH where an installer left it off (a shell under sudo has neither swiftly's folder nor /opt/swift).
find_swift() {
  local folder
  have swift && return
  for folder in "$HOME/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin /usr/share/swift/usr/bin; do
    if [[ -x $folder/swift ]]; then
      export PATH="$folder:$PATH"
      return
    fi
  done
}

swift_needed='6.2'

check_swift() {
  local version
  find_swift
  have swift || die "swift is not on PATH." \
    "Domicile builds with Swift $swift_needed or later; Debian 12 has no package for it." \
    "Install it with swiftly (https://www.swift.org/install/linux), open a new shell, and run this again."
  # Read whole before it is matched: under pipefail, a reader that stops early would fail the pipe.
  version=$(swift --version 2>/dev/null) || die "swift --version fails:" "$(swift --version 2>&1 | tail -n 3)"
  [[ $version =~ Swift\ version\ ([0-9]+\.[0-9]+) ]] || die "swift --version prints no version: $version"
  version=${BASH_REMATCH[1]}
  if [[ $(printf '%s\n' "$swift_needed" "$version" | sort -V | head -n 1) != "$swift_needed" ]]; then
    die "Swift $version is too old: Domicile needs $swift_needed or later." \
      "Update it with swiftly (swiftly install latest), or put a newer one first on PATH: $(command -v swift)"
  fi
}
