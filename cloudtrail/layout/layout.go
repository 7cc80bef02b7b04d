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
	var parts [9]string // the last ones of the path, the last one first
	var starts [9]int
	n := lastParts(path, &parts, &starts)
	// Of two that fit the left one would lie within the prefix of the right one.
	for _, i := range [...]int{7, 8} {
		if i >= n || parts[i] != "AWSLogs" {
			continue
		}
		account := i - 1
		var k Key
		if strings.HasPrefix(parts[account], "o-") {
			k.Organization = parts[account]
			account--
		}
		if account == 6 && k.parse((*[7]string)(parts[:7])) {
			k.Prefix = strings.TrimRight(path[:starts[i]], `/\`)
			return k, true
		}
	}
	return Key{}, false
}

// lastParts cuts the last parts off a path, with the places where they start, and returns
// how many there are. Slashes that follow each other are one.
func lastParts(path string, parts *[9]string, starts *[9]int) int {
	n := 0
	for end := len(path); end > 0 && n < len(parts); {
		start := end
		for start > 0 && path[start-1] != '/' && path[start-1] != '\\' {
			start--
		}
		if start < end {
			parts[n], starts[n] = path[start:end], start
			n++
		}
		end = start - 1
	}
	return n
}

// parse takes the parts from the account on, the last one first.
func (k *Key) parse(parts *[7]string) bool {
	name, day, month, year, region, folder := parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]
	account, err := rootkeep.ParseAccountID(parts[6])
	if err != nil {
		return false
	}
	switch folder {
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
	date, ok := moment(year, month, day, "00", "00")
	if !ok {
		return false
	}
	k.Account, k.Region, k.Day, k.Name = account, rootkeep.Region(region), date, name
	if k.Kind == Digest {
		k.parseDigestName(folder)
	} else {
		k.parseLogName(folder)
	}
	return true
}

// moment is a time to the minute, UTC, from digits as they stand in keys.
func moment(year, month, day, hour, minute string) (time.Time, bool) {
	var n [5]int
	for i, text := range [...]string{year, month, day, hour, minute} {
		if len(text) != 2 && (i > 0 || len(text) != 4) {
			return time.Time{}, false
		}
		for _, c := range []byte(text) {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], 0, 0, time.UTC)
	// What does not exist, such as February 30, has become another day.
	return t, len(year) == 4 && int(t.Month()) == n[1] && t.Day() == n[2] && n[3] < 24 && n[4] < 60
}

// parseLogName reads account_CloudTrail_region_20261122T0015Z_unique.json.gz.
func (k *Key) parseLogName(folder string) {
	rest := k.Name
	for _, part := range [...]string{string(k.Account), folder, string(k.Region)} {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, part); !ok || !strings.HasPrefix(rest, "_") {
			return
		}
		rest = rest[1:]
	}
	stamp, _, found := strings.Cut(rest, "_")
	if !found || len(stamp) != len("20060102T1504Z") || stamp[8] != 'T' || stamp[13] != 'Z' {
		return
	}
	if t, ok := moment(stamp[:4], stamp[4:6], stamp[6:8], stamp[9:11], stamp[11:13]); ok {
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
