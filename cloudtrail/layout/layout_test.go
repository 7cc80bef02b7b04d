package layout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	log := Key{
		Account: "111122223333", Kind: Log, Region: "us-east-1", Day: day,
		Name:      "111122223333_CloudTrail_us-east-1_20261122T0015Z_GuP5cZ9Zk2pQ1aBc.json.gz",
		Delivered: day.Add(15 * time.Minute),
	}
	with := func(k Key, change func(*Key)) Key {
		change(&k)
		return k
	}
	tests := []struct {
		name, path string
		want       Key // zero: no key
	}{
		{"a log", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/" + log.Name, log},
		{"with a prefix, in a bucket", "s3://trail-bucket/audit/logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/" + log.Name,
			with(log, func(k *Key) { k.Prefix = "s3://trail-bucket/audit/logs" })},
		{"an organization trail", "AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/2026/11/22/" + log.Name,
			with(log, func(k *Key) { k.Organization = "o-exampleorgid" })},
		{"on a Windows disk", `C:\copy\AWSLogs\111122223333\CloudTrail\us-east-1\2026\11\22\` + log.Name,
			with(log, func(k *Key) { k.Prefix = `C:\copy` })},
		{"an absolute path", "/mnt//AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/" + log.Name,
			with(log, func(k *Key) { k.Prefix = "/mnt" })},
		{"a prefix that looks like a layout", "AWSLogs/444455556666/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/" + log.Name,
			with(log, func(k *Key) { k.Prefix = "AWSLogs/444455556666" })},
		{"an account with a leading zero", "AWSLogs/011122223333/CloudTrail/us-east-1/2026/11/22/x.json",
			Key{Account: "011122223333", Kind: Log, Region: "us-east-1", Day: day, Name: "x.json"}},
		{"a file that was renamed", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/log.json",
			with(log, func(k *Key) { k.Name, k.Delivered = "log.json", time.Time{} })},
		{"Insights", "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/22/111122223333_CloudTrail-Insight_us-east-1_20261122T0015Z_x.json.gz",
			with(log, func(k *Key) {
				k.Kind, k.Name = Insight, "111122223333_CloudTrail-Insight_us-east-1_20261122T0015Z_x.json.gz"
			})},
		{"network activity", "AWSLogs/111122223333/CloudTrail-NetworkActivity/us-east-1/2026/11/22/x",
			Key{Account: "111122223333", Kind: NetworkActivity, Region: "us-east-1", Day: day, Name: "x"}},
		{"aggregated data events", "AWSLogs/111122223333/CloudTrail-Aggregated/us-east-1/2026/11/22/x",
			Key{Account: "111122223333", Kind: Aggregated, Region: "us-east-1", Day: day, Name: "x"}},
		{"a digest", "p/AWSLogs/111122223333/CloudTrail-Digest/eu-west-3/2026/11/22/111122223333_CloudTrail-Digest_eu-west-3_my_trail_us-east-1_20261122T081530Z.json.gz",
			Key{Prefix: "p", Account: "111122223333", Kind: Digest, Region: "eu-west-3", Day: day,
				Name:      "111122223333_CloudTrail-Digest_eu-west-3_my_trail_us-east-1_20261122T081530Z.json.gz",
				Delivered: time.Date(2026, 11, 22, 8, 15, 30, 0, time.UTC), Trail: "my_trail", HomeRegion: "us-east-1"}},
		{"a backfill digest", "AWSLogs/o-a1/111122223333/CloudTrail-Digest/eu-west-3/2026/11/22/111122223333_CloudTrail-Digest_eu-west-3_t_us-east-1_20261122T081530Z_backfill.json.gz",
			Key{Organization: "o-a1", Account: "111122223333", Kind: Digest, Region: "eu-west-3", Day: day,
				Name:      "111122223333_CloudTrail-Digest_eu-west-3_t_us-east-1_20261122T081530Z_backfill.json.gz",
				Delivered: time.Date(2026, 11, 22, 8, 15, 30, 0, time.UTC), Trail: "t", HomeRegion: "us-east-1", Backfill: true}},
		{"a digest whose name says nothing", "AWSLogs/111122223333/CloudTrail-Digest/eu-west-3/2026/11/22/digest",
			Key{Account: "111122223333", Kind: Digest, Region: "eu-west-3", Day: day, Name: "digest"}},
		{"no layout", "logs/2026/11/22/x.json.gz", Key{}},
		{"an account of eleven digits", "AWSLogs/11122223333/CloudTrail/us-east-1/2026/11/22/x", Key{}},
		{"another service", "AWSLogs/111122223333/Config/us-east-1/2026/11/22/x", Key{}},
		{"a day that does not exist", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/02/30/x", Key{}},
		{"a folder too many", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/y/x", Key{}},
		{"a folder too few", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22", Key{}},
		{"nothing", "", Key{}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, ok := Parse(c.path)
			if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want != Key{}) {
				t.Errorf("Parse(%q) gave %v, (-want +got)\n%s", c.path, ok, diff)
			}
		})
	}
}

func TestIsLogName(t *testing.T) {
	const name = "111122223333_CloudTrail_us-east-1_20261122T0015Z_GuP5cZ9Zk2pQ1aBc.json.gz"
	tests := []struct {
		name, path string
		want       bool
	}{
		{"a log by itself", name, true},
		{"in any folder", "evidence/" + name, true},
		{"in any folder of a Windows disk", `C:\evidence\` + name, true},
		{"unpacked", "111122223333_CloudTrail_us-east-1_20261122T0015Z_x.json", true},
		{"of Insights", "111122223333_CloudTrail-Insight_us-east-1_20261122T0015Z_x.json.gz", true},
		{"a digest", "111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261122T001500Z.json.gz", false},
		{"another service", "111122223333_Config_us-east-1_20261122T0015Z_x.json.gz", false},
		{"no account", "trail_CloudTrail_us-east-1_20261122T0015Z_x.json.gz", false},
		{"no time", "111122223333_CloudTrail_us-east-1_today_x.json.gz", false},
		{"a folder of that name", name + "/x.json.gz", false},
		{"nothing", "", false},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if got := IsLogName(c.path); got != c.want {
				t.Errorf("IsLogName(%q): got %t, want %t", c.path, got, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a/AWSLogs/o-x/111122223333/CloudTrail/us-east-1/2026/11/22/111122223333_CloudTrail_us-east-1_20261122T0015Z_x.json.gz")
	f.Add(`AWSLogs\111122223333\CloudTrail-Digest\r\2026\11\22\111122223333_CloudTrail-Digest_r_t_h_20261122T081530Z_backfill.json.gz`)
	f.Fuzz(func(t *testing.T, path string) {
		k, ok := Parse(path)
		if ok && (len(k.Account) != 12 || k.Kind == "" || k.Name == "" || len(k.Prefix) >= len(path)) {
			t.Errorf("Parse(%q): got %+v", path, k)
		}
		if ok && k.Kind == Log && !k.Delivered.IsZero() && !IsLogName(path) {
			t.Errorf("IsLogName(%q): got false for a log with a time", path)
		}
	})
}
