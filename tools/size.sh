#!/usr/bin/env bash
# Fails when the program, built as make build does, is larger than it may be.
#
# The limit is 91 MB (91,000,000 bytes); at the time of writing it has 88.6 MB, of which
# watching (detections of live events, queues and buckets as sources, alerts, notifiers with
# SES, the client of NATS; not its server) is 4.3 MB. Most of it
# is AWS's SDK, of which the linker keeps what can be called. It cannot tell once something
# looks methods up by a name that it does not know, as text/template and html/template do:
# one import of them, by us or by a library, keeps every method of every exported type and
# adds tens of megabytes. A limit near what there is shows that on the day it happens.
# Who raises it says in the change what was added and why it is worth its size.
set -euo pipefail
limit=91000000
size=$(wc -c <"$1")
if [ "$size" -gt "$limit" ]; then
	echo "size: $1 has $size bytes, at most $limit; hint: go version -m and go tool nm -size -sort size of a build without -ldflags '-s -w' show what grew, tools/size.sh why there is a limit" >&2
	exit 1
fi
echo "size: $1 has $size of at most $limit bytes"
