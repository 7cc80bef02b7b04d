#!/usr/bin/env bash
# Installs what the tests use beside Go. On Debian as root it installs; elsewhere
# it names what is missing and goes on: a test whose tool is absent says so.
set -u
cd "$(dirname "$0")/.."

declare -A package=(
	[openssl]=openssl [curl]=curl [jq]=jq [chromium]=chromium [libdeflate-gunzip]=libdeflate-tools [gzip]=gzip [gcc]=gcc [systemd-analyze]=systemd
	[node]=nodejs [npm]=npm [python3]=python3
)
missing=()
for tool in "${!package[@]}"; do
	command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql) # Debian keeps it out of the path
if [ ${#missing[@]} -gt 0 ]; then
	installed=no
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && installed=yes
	fi
	[ $installed = yes ] ||
		echo "setup: not installed: ${missing[*]}; on Debian: sudo apt-get install ${missing[*]}; the tests that need them say that they were skipped" >&2
fi

# The IAM evaluator that ours is compared with runs as a process of its own; AWS's
# managed policies are what the linter is timed on.
oracle=.venv/oracle
if command -v npm >/dev/null && ! { cmp -s tools/oracle/package.json $oracle/package.json && [ -d $oracle/node_modules ]; }; then
	mkdir -p $oracle && cp tools/oracle/package.json $oracle/ && (cd $oracle && npm install --silent --no-audit --no-fund) || {
		rm -f $oracle/package.json # so that the next run tries again
		echo "setup: npm could not install the packages of tools/oracle/package.json; the comparison with them says that it was skipped" >&2
	}
fi

# What checks the console for barriers.
axe=.venv/axe
if command -v npm >/dev/null && ! { cmp -s tools/axe/package.json $axe/package.json && [ -d $axe/node_modules ]; }; then
	mkdir -p $axe && cp tools/axe/package.json $axe/ && (cd $axe && npm install --silent --no-audit --no-fund) || {
		rm -f $axe/package.json # so that the next run tries again
		echo "setup: npm could not install the packages of tools/axe/package.json; the checks with them say that they were skipped" >&2
	}
fi

# AWS's own Python client, another simulation, and readers of what rootkeep writes.
python=.venv/python
if ! cmp -s tools/python/requirements.txt $python/installed.txt; then
	python3 -c 'import ensurepip, venv' 2>/dev/null && python3 -m venv $python &&
		$python/bin/pip install -q --disable-pip-version-check -r tools/python/requirements.txt && cp tools/python/requirements.txt $python/installed.txt ||
		echo "setup: the packages of tools/python/requirements.txt could not be installed; the tests with them say that they were skipped" >&2
fi
exit 0
