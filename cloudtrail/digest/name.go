package digest

import (
	"regexp"
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
	logFolder = regexp.MustCompile(`^(?:.*/)?AWSLogs/(?:(o-[a-z0-9]+)/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)$`)
	logKey    = regexp.MustCompile(`/[0-9]{12}_CloudTrail_[a-z0-9-]+_([0-9]{8}T[0-9]{4}Z)_[^/]+\.json\.gz$`)
)

// place is the account and Region whose activity a file holds. The organization
// is set for the files of an organization trail.
type place struct {
	organization string
	account      rootkeep.AccountID
	region       rootkeep.Region
}

// chainID tells chains of one place apart. Backfill digests, written when
// CloudTrail catches up on logs that it delivered late, form their own chain.
type chainID struct {
	top      string // of the path, before AWSLogs/: "" or ending in "/"
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
		place:   place{organization: m[2], account: rootkeep.AccountID(m[3]), region: rootkeep.Region(m[4])},
		chainID: chainID{top: m[1], trail: m[7], home: rootkeep.Region(m[8]), backfill: m[10] != ""},
		end:     end,
	}, true
}

// sameChain reports whether two digests belong to one chain, whatever bucket
// and prefix they lie under: a trail may move to another bucket.
func (n name) sameChain(other name) bool {
	n.top, other.top = "", ""
	return n.place == other.place && n.chainID == other.chainID
}

// parseLogFolder recognises the folder that holds the log files of one place.
func parseLogFolder(path string) (place, bool) {
	m := logFolder.FindStringSubmatch(path)
	if m == nil {
		return place{}, false
	}
	return place{organization: m[1], account: rootkeep.AccountID(m[2]), region: rootkeep.Region(m[3])}, true
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
