package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func FuzzByteRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=-3", "bytes=5-", "bytes=9-4", "bytes=-", "bytes=0-1,3-4", "bytes=4611686018427387903-", "bytes=99999999999999999999-", "items=0-1", "bytes= 1-2"} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, header string, size int) {
		if size < 0 {
			return
		}
		first, end, partial, err := byteRange(header, size)
		switch {
		case err != nil && partial:
			t.Errorf("%q of %d: a range and an error", header, size)
		case err == nil && (first < 0 || end > size || partial && first >= end):
			t.Errorf("%q of %d: got %d to %d", header, size, first, end)
		case err == nil && !partial && (first != 0 || end != size):
			t.Errorf("%q of %d: got %d to %d, want the whole", header, size, first, end)
		case partial && !strings.HasPrefix(header, "bytes="):
			t.Errorf("%q is taken for a range", header)
		}
	})
}

func TestRangesOfBytes(t *testing.T) {
	for _, c := range []struct {
		name, header string
		size         int
		first, end   int
		partial      bool
		fails        bool
	}{
		{"the first byte", "bytes=0-0", 10, 0, 1, true, false},
		{"the end is cut to the size", "bytes=8-100", 10, 8, 10, true, false},
		{"more than all of the last bytes", "bytes=-100", 10, 0, 10, true, false},
		{"none of the last bytes", "bytes=-0", 10, 0, 0, false, true},
		{"behind the end", "bytes=10-11", 10, 0, 0, false, true},
		{"of nothing", "bytes=0-", 0, 0, 0, false, true},
		{"backwards is no range", "bytes=4-3", 10, 0, 10, false, false},
		{"a sign is no number", "bytes=+1-3", 10, 0, 10, false, false},
		{"too large for a number is no range", "bytes=0-99999999999999999999", 10, 0, 10, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, end, partial, err := byteRange(c.header, c.size)
			if first != c.first || end != c.end || partial != c.partial || (err != nil) != c.fails {
				t.Errorf("got %d to %d, %v, %v", first, end, partial, err)
			}
		})
	}
}

func TestRetentionKeepsVersions(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	c, err := cloud.New(cloud.Config{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name, mode string
		days       int
		later      time.Duration
		bypass     bool
		kept       bool
	}{
		{"compliance keeps", "COMPLIANCE", 1, 24*time.Hour - time.Second, false, true},
		{"compliance cannot be bypassed", "COMPLIANCE", 1, time.Hour, true, true},
		{"governance keeps", "GOVERNANCE", 1, time.Hour, false, true},
		{"governance can be bypassed", "GOVERNANCE", 1, time.Hour, true, false},
		{"retention ends", "COMPLIANCE", 1, 24 * time.Hour, false, false},
		{"no retention keeps nothing", "", 0, 0, false, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			b := &bucket{objects: map[string][]*object{}, lock: &lockShape{ObjectLockEnabled: "Enabled"}}
			b.versioning.Status = "Enabled"
			if k.mode != "" {
				b.lock.Rule = &lockRule{}
				b.lock.Rule.DefaultRetention.Mode, b.lock.Rule.DefaultRetention.Days = k.mode, k.days
			}
			o := b.put(c, "key", &object{modified: now})
			if got := o.kept(now.Add(k.later), k.bypass); got != k.kept {
				t.Errorf("got %v, want %v", got, k.kept)
			}
			if marker := b.hide(c, "key", now); marker.kept(now, false) {
				t.Error("a delete marker is retained")
			}
		})
	}
}
