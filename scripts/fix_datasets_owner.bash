#!/usr/bin/env bash
# Gives datasets/ and output/, or the folders named, back to the calling user: Docker leaves what
# it writes there to root.
#
#     bash scripts/fix_datasets_owner.bash [FOLDER...]
#
# Under sudo that user is the one who typed it. Without the rights it tries sudo, as far as that
# asks for no password, and else says what to type.
set -euo pipefail

user=${SUDO_UID:-$(id -u)}
group=${SUDO_GID:-$(id -g)}

if [[ ${1-} == -h || ${1-} == --help ]]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit
fi
for folder; do
    if [[ ! -d $folder ]]; then
        echo "error: there is no folder $folder" >&2
        exit 1
    fi
done
(($#)) || set -- datasets output

folders=()
for folder; do
    if [[ -d $folder ]]; then folders+=("$folder"); fi
done
if ((${#folders[@]} == 0)); then
    echo "there is no $* yet: nothing to give back"
    exit
fi

with_rights() {
    if (($(id -u) == 0)); then "$@"; else sudo -n "$@"; fi
}

foreign=$(find -H "${folders[@]}" ! -user "$user" -print 2> /dev/null || true)
if [[ -z $foreign ]]; then
    echo "everything in ${folders[*]} belongs to user $user"
elif with_rights find -H "${folders[@]}" ! -user "$user" -exec chown -h "$user:$group" {} +; then
    echo "given back to user $user: what others owned in ${folders[*]}"
else
    echo "error: ${foreign%%$'\n'*} belongs to another user. To get it back, type" >&2
    echo "    sudo bash $0 ${folders[*]}" >&2
    exit 1
fi
