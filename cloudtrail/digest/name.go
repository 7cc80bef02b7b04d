package digest

import (
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// keyTime is how CloudTrail writes a digest's end into its object key.
const keyTime = "20060102T150405Z"

// The places below are those of the CloudTrail User Guide, "CloudTrail digest
// file structure" and "Finding your CloudTrail log files". A trail name may hold
// underscores, a Region may not, so the last two underscores are unambiguous.
var (
	digestKey = regexp.MustCompile(`^((?:.*/)?)AWSLogs/(?:(o-[a-z0-9]+)/)?([0-9]{12})/CloudTrail-Digest/([a-z0-9-]+)/` +
		`[0-9]+/[0-9]+/[0-9]+/([0-9]{12})_CloudTrail-Digest_([a-z0-9-]+)_([^/]+)_([a-z0-9-]+)_([0-9]{8}T[0-9]{6}Z)(_backfill)?\.json\.gz$`)
	logFolder = regexp.MustCompile(`^((?:.*/)?)AWSLogs/(?:(o-[a-z0-9]+)/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)$`)
	logKey    = regexp.MustCompile(`/[0-9]{12}_CloudTrail_[a-z0-9-]+_([0-9]{8}T[0-9]{4}Z)_[^/]+\.json\.gz$`)
)

// place is the account and Region whose activity a file holds.
type place struct {
	account rootkeep.AccountID
	region  rootkeep.Region
}

// branch is where in the copy the files of a place lie: digests answer for the
// logs of their own branch. The organization is set for an organization trail.
type branch struct {
	top          string // of the path, before AWSLogs/: "" or ending in "/"
	organization string
}

// chainID tells chains of one place apart. Backfill digests, written when
// CloudTrail catches up on logs that it delivered late, form their own chain.
type chainID struct {
	branch
	trail    string
	home     rootkeep.Region
	backfill bool
}

// name is what the object key of a digest file says.
type name struct {
	place
	chainID
	end time.Time
}

// parseName reads a digest's object key or its path in a copy of the bucket.
func parseName(path string) (name, bool) {
	m := digestKey.FindStringSubmatch(path)
	if m == nil || m[3] != m[5] || m[4] != m[6] {
		return name{}, false
	}
	end, err := time.Parse(keyTime, m[9])
	if err != nil {
		return name{}, false
	}
	return name{
		place:   place{rootkeep.AccountID(m[3]), rootkeep.Region(m[4])},
		chainID: chainID{branch{m[1], m[2]}, m[7], rootkeep.Region(m[8]), m[10] != ""},
		end:     end,
	}, true
}

// sameChain reports whether two digests belong to one chain, whatever branch they
// lie in: a trail may move to another bucket or become an organization trail.
func (n name) sameChain(other name) bool {
	n.branch, other.branch = branch{}, branch{}
	return n.place == other.place && n.chainID == other.chainID
}

// parseLogFolder recognises the folder that holds the log files of one place.
func parseLogFolder(path string) (place, branch, bool) {
	m := logFolder.FindStringSubmatch(path)
	if m == nil {
		return place{}, branch{}, false
	}
	return place{rootkeep.AccountID(m[3]), rootkeep.Region(m[4])}, branch{m[1], m[2]}, true
}

// parseLogTime is the minute in a log file's name, false when it has none.
func parseLogTime(path string) (time.Time, bool) {
	m := logKey.FindStringSubmatch(path)
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102T1504Z", m[1])
	return t, err == nil
}

// hourOf is where a log or a digest belongs by its path, and the hour that it is of; that
// is zero for a log whose name tells none.
func hourOf(path string) (at place, hour interval, ok bool) {
	if n, is := parseName(path); is {
		return n.place, interval{n.end.Add(-time.Hour), n.end}, true
	}
	folder := path
	for {
		i := strings.LastIndexByte(folder, '/')
		if i < 0 {
			return place{}, interval{}, false
		}
		folder = folder[:i]
		if at, _, ok = parseLogFolder(folder); ok {
			break
		}
	}
	if minute, told := parseLogTime(path); told {
		from := minute.Truncate(time.Hour)
		// A log may be delivered, and so be digested, a while after the minute in its name.
		hour = interval{from, from.Add(time.Hour + deliveryLag)}
	}
	return at, hour, true
}
