// Package layout tells what the S3 keys of the objects that CloudTrail delivers say
// about them. A path goes in, of an object or of its copy on a disk; out come
// account, organization, Region, day and kind.
package layout

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Kind is what CloudTrail keeps under an S3 key.
type Kind string

// The kinds of key, by the folder after the account (CloudTrail User Guide,
// "Finding your CloudTrail log files").
const (
	Log             Kind = "log"              // CloudTrail: management and data events
	Digest          Kind = "digest"           // CloudTrail-Digest
	Insight         Kind = "insight"          // CloudTrail-Insight
	NetworkActivity Kind = "network-activity" // CloudTrail-NetworkActivity
	Aggregated      Kind = "aggregated"       // CloudTrail-Aggregated: summaries of data events
)

// Key is what the S3 key of an object that CloudTrail delivered tells, or the
// same layout copied to a disk.
type Key struct {
	Prefix       string // before AWSLogs, without the slash between
	Organization string // o-exampleorgid for an organization trail, else ""
	Account      rootkeep.AccountID
	Kind         Kind
	Region       rootkeep.Region
	Day          time.Time // of the folder, 00:00 UTC
	Name         string    // last element of the path
	// What the file name adds; zero when it is not as CloudTrail writes it.
	Delivered  time.Time       // minute of a log's delivery, second of a digest's end
	Trail      string          // digests: the trail's name
	HomeRegion rootkeep.Region // digests: where the trail was created
	Backfill   bool            // digests: written late for a period that had none
}

// Parse finds AWSLogs/[o-id/]account/CloudTrail.../region/yyyy/mm/dd/name in
// a path, with slashes of either kind. What is before AWSLogs may be anything.
func Parse(path string) (Key, bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	// From the right: a prefix may itself contain AWSLogs.
	for i := len(parts) - 8; i >= 0; i-- {
		if parts[i] != "AWSLogs" {
			continue
		}
		rest := parts[i+1:]
		var k Key
		if strings.HasPrefix(rest[0], "o-") {
			k.Organization = rest[0]
			rest = rest[1:]
		}
		if k.parse(rest) {
			k.Prefix = prefix(path, len(parts)-i)
			return k, true
		}
	}
	return Key{}, false
}

// parse takes the parts from the account on.
func (k *Key) parse(parts []string) bool {
	if len(parts) != 7 {
		return false
	}
	account, err := rootkeep.ParseAccountID(parts[0])
	if err != nil {
		return false
	}
	switch parts[1] {
	case "CloudTrail":
		k.Kind = Log
	case "CloudTrail-Digest":
		k.Kind = Digest
	case "CloudTrail-Insight":
		k.Kind = Insight
	case "CloudTrail-NetworkActivity":
		k.Kind = NetworkActivity
	case "CloudTrail-Aggregated":
		k.Kind = Aggregated
	default:
		return false
	}
	day, err := time.Parse("2006/01/02", strings.Join(parts[3:6], "/"))
	if err != nil {
		return false
	}
	k.Account, k.Region, k.Day, k.Name = account, rootkeep.Region(parts[2]), day, parts[6]
	if k.Kind == Digest {
		k.parseDigestName(parts[1])
	} else {
		k.parseLogName(parts[1])
	}
	return true
}

// parseLogName reads account_CloudTrail_region_20261122T0015Z_unique.json.gz.
func (k *Key) parseLogName(folder string) {
	rest, ok := strings.CutPrefix(k.Name, string(k.Account)+"_"+folder+"_"+string(k.Region)+"_")
	stamp, _, found := strings.Cut(rest, "_")
	if !ok || !found {
		return
	}
	if t, err := time.Parse("20060102T1504Z", stamp); err == nil {
		k.Delivered = t
	}
}

// parseDigestName reads
// account_CloudTrail-Digest_region_trail_home-region_20261122T001500Z[_backfill].json.gz.
// A trail's name may contain underscores.
func (k *Key) parseDigestName(folder string) {
	rest, ok := strings.CutPrefix(k.Name, string(k.Account)+"_"+folder+"_"+string(k.Region)+"_")
	if !ok {
		return
	}
	rest, _, _ = strings.Cut(rest, ".json")
	rest, k.Backfill = strings.CutSuffix(rest, "_backfill")
	rest, stamp, ok := cutLast(rest)
	trail, home, ok2 := cutLast(rest)
	t, err := time.Parse("20060102T150405Z", stamp)
	if !ok || !ok2 || err != nil {
		return
	}
	k.Trail, k.HomeRegion, k.Delivered = trail, rootkeep.Region(home), t
}

// IsLogName says whether the last element of a path is a name that CloudTrail gives
// to log files, wherever the file lies now.
func IsLogName(path string) bool {
	k := Key{Name: path[strings.LastIndexAny(path, `/\`)+1:]}
	parts := strings.SplitN(k.Name, "_", 4)
	if len(parts) < 4 || !strings.HasPrefix(parts[1], "CloudTrail") {
		return false
	}
	account, err := rootkeep.ParseAccountID(parts[0])
	if err != nil {
		return false
	}
	k.Account, k.Region = account, rootkeep.Region(parts[2])
	k.parseLogName(parts[1])
	return !k.Delivered.IsZero()
}

// cutLast cuts s at its last underscore.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '_')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// prefix is the path without its last n elements and the slashes before them.
func prefix(path string, n int) string {
	for range n {
		path = strings.TrimRight(path, `/\`)
		path = path[:strings.LastIndexAny(path, `/\`)+1]
	}
	return strings.TrimRight(path, `/\`)
}
