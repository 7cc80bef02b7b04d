#!/usr/bin/env bash
# Installs what the tests use beside Go. On Debian as root it installs; elsewhere
# it names what is missing and goes on: a test whose tool is absent says so.
set -u
cd "$(dirname "$0")/.."

# The IAM evaluator that ours is compared with runs as a process of its own.
oracle=.venv/oracle
if command -v npm >/dev/null && [ ! -d $oracle/node_modules/@cloud-copilot/iam-simulate ]; then
	mkdir -p $oracle && cp tools/oracle/package.json $oracle/ && (cd $oracle && npm install --silent --no-audit --no-fund) ||
		echo "setup: npm could not install the packages of tools/oracle/package.json; the comparison with them says that it was skipped" >&2
fi

# AWS's own Python client, which the tests drive the simulated AWS with.
python=.venv/python
boto3() {
	cmp -s tools/boto3/requirements.txt $python/installed.txt && return
	command -v python3 >/dev/null && python3 -m venv $python && $python/bin/pip install -q --disable-pip-version-check -r tools/boto3/requirements.txt &&
		cp tools/boto3/requirements.txt $python/installed.txt ||
		echo "setup: the packages of tools/boto3/requirements.txt could not be installed; the tests of the simulated AWS with them say that they were skipped" >&2
}

declare -A package=([openssl]=openssl [chromium]=chromium [libdeflate-gunzip]=libdeflate-tools [gzip]=gzip [gcc]=gcc)
missing=()
for tool in "${!package[@]}"; do
	command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -eq 0 ]; then
	boto3
	exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && boto3 && exit 0
	echo "setup: apt-get could not install: ${missing[*]}" >&2
fi
echo "setup: not installed: ${missing[*]}; on Debian: sudo apt-get install ${missing[*]}; the tests that need them say that they were skipped" >&2
python3 -c 'import ensurepip, venv' 2>/dev/null && boto3
exit 0
