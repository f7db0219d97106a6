#!/usr/bin/env bash
# `make restore`: the catalog anew from the backups, and the objects that the store has lost (docs/backup.md).
# With TO_TIME=2026-11-29T12:00:00 (UTC) it ends there. The catalog that is replaced is kept beside the new one.
set -euo pipefail
cd "$(dirname "$0")/.."

until=${TO_TIME:-the last change that was backed up}
echo "This stops Escolta and puts the catalog back to $until. What came later is lost, but for audios."
read -r -p "Type restore to go on: " answer
[ "$answer" = restore ] || { echo "Nothing was done."; exit 1; }

aside="/var/lib/postgresql/18/docker.before-$(date -u +%Y%m%dT%H%M%SZ)"
docker compose stop
docker compose run --rm --no-deps --entrypoint sh restore -c \
  "! [ -e /var/lib/postgresql/18/docker ] || mv /var/lib/postgresql/18/docker $aside"
docker compose run --rm restore ${TO_TIME:+--to-time "$TO_TIME"}
docker compose up --detach --wait
if [ -z "${TO_TIME:-}" ]; then
  docker compose run --rm operator rescan
fi
cat <<END

Restored. The catalog of before lies in the volume postgres, in $aside: remove it once you are sure.
$([ -z "${TO_TIME:-}" ] || echo "Audios that came after $TO_TIME: docker compose run --rm operator rescan brings their rows back.")
The old log ends here: make a new backup now, by make backup.
END
