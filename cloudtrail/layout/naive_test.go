package layout

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

// naive reads a key of a log the slow way: all parts, and times by package time.
func naive(path string) (Key, bool) {
	all := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	for i := len(all) - 8; i >= 0; i-- {
		parts, k := all[i+1:], Key{Prefix: strings.TrimRight(before(path, len(all)-i), `/\`)}
		if strings.HasPrefix(parts[0], "o-") {
			k.Organization, parts = parts[0], parts[1:]
		}
		if all[i] != "AWSLogs" || len(parts) != 7 || parts[1] != "CloudTrail" {
			continue
		}
		account, err := rootkeep.ParseAccountID(parts[0])
		day, err2 := time.Parse("2006/01/02", strings.Join(parts[3:6], "/"))
		if err != nil || err2 != nil {
			continue
		}
		k.Account, k.Kind, k.Region, k.Day, k.Name = account, Log, rootkeep.Region(parts[2]), day, parts[6]
		if rest, ok := strings.CutPrefix(k.Name, parts[0]+"_CloudTrail_"+parts[2]+"_"); ok {
			stamp, _, found := strings.Cut(rest, "_")
			if t, err := time.Parse("20060102T1504Z", stamp); err == nil && found {
				k.Delivered = t
			}
		}
		return k, true
	}
	return Key{}, false
}

// before is the path without its last n parts.
func before(path string, n int) string {
	for range n {
		path = strings.TrimRight(path, `/\`)
		path = path[:strings.LastIndexAny(path, `/\`)+1]
	}
	return path
}

// Paths made of parts that fit and parts that nearly do.
func TestParseAgreesWithTheNaiveReader(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(usual string, others ...string) string {
		if r.IntN(8) > 0 {
			return usual
		}
		return others[r.IntN(len(others))]
	}
	found := 0
	for range 20_000 {
		parts := []string{
			pick("", "logs", "AWSLogs", "/mnt//x"), pick("AWSLogs", "awslogs"), pick("", "o-a1", "x"),
			pick("111122223333", "11112222333"), pick("CloudTrail", "Config"), pick("eu-west-3", "eu_west"),
			pick("2026", "0000", "26", "202x"), pick("11", "02", "13", "00", "1"), pick("22", "28", "29", "30", "31", "32", "00", "+1"),
			"111122223333_CloudTrail_" + pick("eu-west-3", "eu_west") + pick("_", "") + pick("20261122", "20260229", "2026112") +
				pick("T", " ") + pick("0015", "2359", "2400", "0060", "9x15") + pick("Z", "z", "") + pick("_u.json.gz", "_", ""),
		}
		var path strings.Builder
		for _, part := range parts {
			path.WriteString(part)
			path.WriteString(pick("/", `\`, "//"))
		}
		text := strings.TrimRight(path.String(), `/\`) + pick("", "/")
		want, fits := naive(text)
		got, ok := Parse(text)
		if diff := cmp.Diff(want, got); diff != "" || ok != fits {
			t.Fatalf("%s: found %t, want %t (-want +got):\n%s", text, ok, fits, diff)
		}
		if ok && !got.Delivered.IsZero() {
			found++
		}
	}
	if found < 1000 {
		t.Errorf("%d paths were those of logs, want enough to compare", found)
	}
}

func BenchmarkParse(b *testing.B) {
	const path = "/var/lib/archive/trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/111122223333_CloudTrail_us-east-1_20261122T0015Z_GuP5cZ9Zk2pQ1aBc.json.gz"
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Parse(path); !ok {
			b.Fatal("no key")
		}
	}
}
