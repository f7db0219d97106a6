#!/usr/bin/env bash
# `make up`: the first start makes everything, and each later one what is missing or runs out.
set -euo pipefail
cd "$(dirname "$0")/.."

# A line of .env, or what goes without it.
chosen() {
  local line
  line=$(grep -E "^$1=." .env | tail -n 1) || true
  echo "${line:+${line#*=}}" | grep . || echo "${2-}"
}

${PYTHON:-python3} deploy/make_env.py
host=$(chosen ESCOLTA_HOST)
mkdir -p "$(chosen ESCOLTA_RECORDINGS ./var/recordings)"
# As whoever calls this: the keys are theirs.
docker compose run --rm --user "$(id -u):$(id -g)" certificates ${host:+--host "$host"}
docker compose up --detach --wait --remove-orphans

link=$(docker compose exec --no-TTY label-gateway /opt/escolta/bin/escolta greet)
secrets=$(chosen ESCOLTA_SECRETS ./deploy/secrets)
cat <<END

Escolta runs. $link

Next:
- Browsers and nodes trust deploy/tls/ca.crt: import it, or your browser warns.
- A node: copy $secrets/nodes/NAME.env to it, or let another one in:
    docker compose run --rm operator node add quay-8
- A folder of recordings, instead of nodes: put it into .env (ESCOLTA_RECORDINGS), then
    docker compose up --detach node-agent
- Grafana: https://${host:-localhost}:$(chosen ESCOLTA_GRAFANA_PORT 8444), as admin, with the password in
    $secrets/grafana/grafana_admin_password
- docs/deploy.md goes on from here: labelers, alerts, backups.
END
